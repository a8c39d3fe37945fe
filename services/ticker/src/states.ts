import type { Logger } from "@tapedeck/runtime";
import { decodeState, parseHead, type SessionRecord } from "@tapedeck/sessions";
import type { Redis } from "ioredis";
import { z } from "zod";

export interface StateListener {
  state(record: SessionRecord): void;
  gone(sessionId: string): void;
  /** The subscription was interrupted: anything may have been missed. */
  missed(): void;
}

const gone = z.object({ id: z.string() });

/** Hears the states of the sessions that this ticker renders, on its own channel. Resolves when it is subscribed. */
export async function listenForStates(
  subscriber: Redis,
  channel: string,
  listener: StateListener,
  log: Logger,
): Promise<void> {
  const own = Buffer.from(channel);
  subscriber.on("messageBuffer", (from: Buffer, message: Buffer) => {
    if (!own.equals(from)) return;
    const head = parseHead(message);
    if (head === undefined || head.kind === "F") return;
    const body = message.toString("utf8", head.body);
    try {
      if (head.kind === "S") listener.state(decodeState(body));
      else listener.gone(gone.parse(JSON.parse(body)).id);
    } catch (error) {
      // Of another release, perhaps. The checkpoint finds the change as well.
      log.warn({ err: error }, "a state that cannot be read");
    }
  });
  await subscriber.subscribe(channel);
  subscriber.on("ready", () => listener.missed()); // subscribed again by ioredis
}
