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

interface StateListener {
  /** @param trace of the command that led to it, with tracing on */
  state(record: SessionRecord, trace: string | undefined): void;
  gone(sessionId: string): void;
  /** The subscription was interrupted: changes may have been missed. */
  missed(): void;
}

const gone = z.object({ id: z.string() });

/** Receives the states of sessions on the ticker's own channel. Resolves when it is subscribed. */
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
      // It may come from another release. The next checkpoint finds the change as well.
      log.warn({ err: error }, "unreadable state message ignored; the next checkpoint detects the change");
    }
  });
  await untilSubscribed(subscriber, channel);
  onReconnect(subscriber, () => {
    const missed = (): void => listener.missed();
    untilResubscribed(subscriber, [channel]).then(missed, missed); // broken once more, perhaps: then this comes again
  });
}
