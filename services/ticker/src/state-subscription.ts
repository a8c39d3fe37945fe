import {
  type Logger,
  onMessage,
  onReconnect,
  type RedisConnection,
  untilResubscribed,
  untilSubscribed,
} from "@tapedeck/runtime";
import { decodeState, parseHead, type SessionRecord, traceOf } from "@tapedeck/sessions";
import { z } from "zod";

export interface StateListener {
  /** @param trace of the command that led to it, where it is traced */
  state(record: SessionRecord, trace: string | undefined): void;
  gone(sessionId: string): void;
  /** The subscription was interrupted: anything may have been missed. */
  missed(): void;
}

const gone = z.object({ id: z.string() });

/** Hears the states of the sessions that this ticker renders, on its own channel. Resolves when it is subscribed. */
export async function subscribeToStates(
  subscriber: RedisConnection,
  channel: string,
  listener: StateListener,
  log: Logger,
): Promise<void> {
  const own = Buffer.from(channel);
  onMessage(subscriber, (from, message) => {
    if (!own.equals(from)) return;
    const head = parseHead(message);
    if (head === undefined || head.kind === "F") return;
    const body = message.toString("utf8", head.body);
    try {
      if (head.kind === "S") listener.state(decodeState(body), traceOf(body));
      else listener.gone(gone.parse(JSON.parse(body)).id);
    } catch (error) {
      // Of another release, perhaps. The checkpoint finds the change as well.
      log.warn({ err: error }, "a state that cannot be read");
    }
  });
  await untilSubscribed(subscriber, channel);
  onReconnect(subscriber, () => {
    const missed = (): void => listener.missed();
    untilResubscribed(subscriber, [channel]).then(missed, missed); // broken once more, perhaps: then this comes again
  });
}
