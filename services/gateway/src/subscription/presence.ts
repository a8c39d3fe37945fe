import { interval, type Logger } from "@tapedeck/runtime";
import type { SessionStore } from "@tapedeck/sessions";
import type { SessionSubscription } from "./subscription.js";

/** How often a gateway reports the sockets of an unchanged session; for a short TTL, each quarter of it. */
const refreshMs = 120_000;
const tickMs = 1_000;

/**
 * Keeps subscribed sessions alive, and reports to Redis how many sockets of this node are on each: at the first socket,
 * regularly, and when the last has closed. So a session with sockets lives on if no command ever comes.
 */
export class Presence {
  readonly #store: Pick<SessionStore, "touch">;
  readonly #node: string;
  readonly #log: Logger;
  /** When each session is reported next, on the monotonic clock. */
  readonly #due = new Map<SessionSubscription, number>();
  readonly #pending = new Set<Promise<void>>();
  readonly #stop: () => void;

  constructor(options: { store: Pick<SessionStore, "touch">; node: string; log: Logger }) {
    this.#store = options.store;
    this.#node = options.node;
    this.#log = options.log;
    this.#stop = interval(() => this.#tick(), tickMs);
  }

  /** A socket has opened or closed. The first and the last one are reported at once, others within a second. */
  changed(subscription: SessionSubscription): void {
    if (subscription.subscribers.size > 0 && this.#due.has(subscription)) this.#due.set(subscription, 0);
    else this.#report(subscription);
  }

  #tick(): void {
    const now = performance.now();
    for (const [subscription, due] of this.#due) if (due <= now) this.#report(subscription);
  }

  #report(subscription: SessionSubscription): void {
    const report: Promise<void> = this.#write(subscription).finally(() => this.#pending.delete(report));
    this.#pending.add(report);
  }

  async #write(subscription: SessionSubscription): Promise<void> {
    const sockets = subscription.subscribers.size;
    if (sockets === 0) this.#due.delete(subscription);
    else this.#due.set(subscription, performance.now() + Math.min(refreshMs, subscription.record.ttl * 250));
    if (subscription.ended) return;
    try {
      if (await this.#store.touch(subscription.id, this.#node, sockets)) subscription.reportedSockets = sockets;
      else subscription.end("expired");
    } catch (error) {
      this.#log.debug({ err: error, session: subscription.id }, "presence not written; the next report repeats it");
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
