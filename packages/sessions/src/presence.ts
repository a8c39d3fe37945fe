import { interval, type Logger } from "@tapedeck/runtime";
import type { SessionRecord } from "./rules/record.js";
import type { SessionStore } from "./store/store.js";

/** A session that clients of this node watch. */
export interface PresentSession {
  readonly id: string;
  readonly record: Pick<SessionRecord, "ttl">;
  /** Its clients here. */
  readonly subscribers: { readonly size: number };
  /** The session was deleted or has expired. */
  readonly ended: boolean;
  /** Clients of this node that Redis counts. */
  reportedSockets: number;
  end(cause: "expired"): void;
}

/** How often a node reports the sockets of an unchanged session; for a short TTL, each quarter of it. */
const refreshMs = 120_000;
const tickMs = 1_000;

/**
 * Keeps watched sessions alive, and reports to Redis how many sockets of this node are on each: at the first socket,
 * regularly, and when the last has closed. So a session with sockets lives on if no command ever comes.
 */
export class Presence {
  readonly #store: Pick<SessionStore, "touch">;
  readonly #node: string;
  readonly #log: Logger;
  /** When each session is reported next, on the monotonic clock. */
  readonly #due = new Map<PresentSession, number>();
  readonly #pending = new Set<Promise<void>>();
  readonly #stop: () => void;

  constructor(options: { store: Pick<SessionStore, "touch">; node: string; log: Logger }) {
    this.#store = options.store;
    this.#node = options.node;
    this.#log = options.log;
    this.#stop = interval(() => this.#tick(), tickMs);
  }

  /** A socket has opened or closed. The first and the last one are reported at once, others within a second. */
  changed(session: PresentSession): void {
    if (session.subscribers.size > 0 && this.#due.has(session)) this.#due.set(session, 0);
    else this.#report(session);
  }

  #tick(): void {
    const now = performance.now();
    for (const [session, due] of this.#due) if (due <= now) this.#report(session);
  }

  #report(session: PresentSession): void {
    const report: Promise<void> = this.#write(session).finally(() => this.#pending.delete(report));
    this.#pending.add(report);
  }

  async #write(session: PresentSession): Promise<void> {
    const sockets = session.subscribers.size;
    if (sockets === 0) this.#due.delete(session);
    else this.#due.set(session, performance.now() + Math.min(refreshMs, session.record.ttl * 250));
    if (session.ended) return;
    try {
      if (await this.#store.touch(session.id, this.#node, sockets)) session.reportedSockets = sockets;
      else session.end("expired");
    } catch (error) {
      this.#log.debug({ err: error, session: session.id }, "presence not written; the next report repeats it");
    }
  }

  stop(): void {
    this.#stop();
  }

  /** Resolves when all reports under way have been written or have failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
