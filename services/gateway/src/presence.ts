import { interval, type Logger } from "@tapedeck/runtime";
import type { SessionStore } from "@tapedeck/sessions";
import type { Watch } from "./watch.js";

/** How often a gateway says again how many sockets watch a session, in ms, or at a quarter of its TTL. Changes are told at once. */
const refreshMs = 120_000;
const tickMs = 1_000;

/**
 * Keeps watched sessions alive, and tells the cluster who watches them: at the first socket, regularly, and when the last
 * has closed. Nothing of a session's life depends on this node's being asked.
 */
export class Presence {
  readonly #store: Pick<SessionStore, "touch">;
  readonly #node: string;
  readonly #log: Logger;
  /** When each is due, on the monotonic clock. */
  readonly #due = new Map<Watch, number>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stop: () => void;

  constructor(options: { store: Pick<SessionStore, "touch">; node: string; log: Logger }) {
    this.#store = options.store;
    this.#node = options.node;
    this.#log = options.log;
    this.#stop = interval(() => this.#tick(), tickMs);
  }

  /** A socket has come or gone: the first and the last one are told at once, the others within a second. */
  changed(watch: Watch): void {
    if (watch.viewers.size > 0 && this.#due.has(watch)) this.#due.set(watch, 0);
    else this.#telling(watch);
  }

  #tick(): void {
    const now = performance.now();
    for (const [watch, due] of this.#due) if (due <= now) this.#telling(watch);
  }

  #telling(watch: Watch): void {
    const telling: Promise<void> = this.#tell(watch).finally(() => this.#underWay.delete(telling));
    this.#underWay.add(telling);
  }

  async #tell(watch: Watch): Promise<void> {
    const sockets = watch.viewers.size;
    if (sockets === 0) this.#due.delete(watch);
    else this.#due.set(watch, performance.now() + Math.min(refreshMs, watch.record.ttl * 250));
    if (watch.gone) return;
    try {
      if (await this.#store.touch(watch.id, this.#node, sockets)) watch.told = sockets;
      else watch.end("expired");
    } catch (error) {
      this.#log.debug({ err: error, session: watch.id }, "presence not written");
    }
  }

  stop(): void {
    this.#stop();
  }

  /** Resolves when all that was to be told is told, or cannot be. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
