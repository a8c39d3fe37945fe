import { setTimeout as sleep } from "node:timers/promises";
import { StoreUnavailable } from "../errors.js";
import { isFolder } from "./open-store.js";
import type { TapeStore } from "./store.js";

interface AwaitOptions {
  readonly health: { set(part: string, condition: "ok" | "unready", reason?: string): void };
  readonly log: Record<"warn" | "info", (fields: object, message: string) => void>;
  /** How often the store is asked, in ms. */
  readonly askEveryMs?: number;
  /** How often the log says that it is still awaited, in ms. */
  readonly sayEveryMs?: number;
}

interface AwaitedStore {
  /** Resolves when the store has been read. Never rejects; stays pending after `stop`. */
  readonly readable: Promise<void>;
  stop(): void;
}

/**
 * Keeps the part `tapes` of a node's health: unready until the store has been read once, since another node may have it. A later outage
 * changes nothing, because this node still plays from memory, and others would do no better.
 *
 * @param place where the store is, as `openTapeStore` takes it
 */
export function awaitTapeStore(store: TapeStore, place: string, options: AwaitOptions): AwaitedStore {
  const { health, log, askEveryMs = 1_000, sayEveryMs = 30_000 } = options;
  let stopped = false;
  let saidAt: number | undefined;

  const ask = async (): Promise<boolean> => {
    try {
      await store.tapesWithSegments(); // the cheapest read that no store answers while it is away
      return true;
    } catch (error) {
      health.set("tapes", "unready", "the tape store cannot be read since this process was started");
      const now = performance.now();
      if (stopped || (saidAt !== undefined && now - saidAt < sayEveryMs)) return false;
      saidAt = now;
      const remedy = isFolder(place) ? "mount its volume, or make the folder" : "start its server, or make the bucket";
      log.warn({ store: place, reason: reasonOf(error) }, `waiting for the tape store: ${remedy}`);
      return false;
    }
  };
  const untilReadable = async (): Promise<void> => {
    while (!(await ask())) {
      await sleep(askEveryMs, undefined, { ref: false });
      if (stopped) await new Promise<never>(() => {});
    }
    health.set("tapes", "ok");
    if (saidAt !== undefined) log.info({ store: place }, "the tape store is there");
  };

  health.set("tapes", "unready", "the tape store has not been read yet");
  return {
    readable: untilReadable(),
    stop: () => {
      stopped = true;
    },
  };
}

/** What the system or the bucket's server says. A refused connection to several addresses has a code but no message. */
function reasonOf(error: unknown): string {
  const cause = error instanceof StoreUnavailable ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? String(cause.code) : cause.name;
  return cause.message || code;
}
