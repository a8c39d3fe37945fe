import { Agent, get } from "node:http";

/**
 * `silent`: it has not answered for so long that others are better for anything new. `frozen`: for so long that its clients are better off
 * if they connect again.
 */
export type Condition = "ready" | "unready" | "silent" | "frozen";

/** How long after an answer a service is asked again, and after how long without one it is silent and frozen, in ms. */
export interface CheckTimes {
  readonly everyMs: number;
  readonly silentMs: number;
  readonly frozenMs: number;
}

/**
 * A service that freezes right after an answer is silent after 900 ms, and frozen after 1,250 ms. The first is harmless if it is only busy;
 * the second moves all its clients to others, which may be just as busy.
 */
export const checkTimes: CheckTimes = { everyMs: 250, silentMs: 650, frozenMs: 1_000 };

interface BackendOptions {
  readonly url: string;
  readonly times: CheckTimes;
  /** Called when the condition has changed. */
  readonly onChange: (before: Condition) => void;
}

/**
 * One api or gateway as the balancer sees it: its address, its open connections, and whether it answers. It is asked over one connection,
 * one request at a time: a process that continues has one request to answer, and works again when it has. If the balancer itself is stopped,
 * the answer to a request that was sent before is there when it continues.
 */
export class Backend {
  readonly url: string;
  readonly #options: BackendOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #aborts = new Set<() => void>();
  #condition: Condition = "ready";
  #timers: NodeJS.Timeout[] = [];
  #retired = false;
  #stopped = false;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.url = options.url;
    this.#check();
  }

  get condition(): Condition {
    return this.#condition;
  }

  /** Remembers an open connection until the returned function is called. `abort` ends the connection at once. */
  hold(abort: () => void): () => void {
    this.#aborts.add(abort);
    return () => {
      this.#aborts.delete(abort);
      this.#stopIfUnused();
    };
  }

  /** Ends its open connections; returns how many. */
  abortAll(): number {
    const aborts = [...this.#aborts];
    for (const abort of aborts) abort();
    return aborts.length;
  }

  /** Whether it may get anything new. If not, it is still checked until its last connection has ended, since it may freeze before that. */
  set listed(listed: boolean) {
    if (this.#retired === !listed) return;
    this.#retired = !listed;
    if (this.#retired) this.#agent.destroy(); // a server that ends waits until its connections are closed
    this.#stopIfUnused();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#agent.destroy();
  }

  #stopIfUnused(): void {
    if (this.#retired && this.#aborts.size === 0) this.stop();
  }

  #check(): void {
    const { everyMs, silentMs, frozenMs } = this.#options.times;
    let waits = true;
    const afterWaiting = (ms: number, condition: Condition): NodeJS.Timeout =>
      // In the event loop's next turn: if this process was stopped itself, answers that have arrived meanwhile are read before.
      setTimeout(() => setImmediate(() => void (waits && this.#become(condition))), ms);
    this.#timers = [afterWaiting(silentMs, "silent"), afterWaiting(frozenMs, "frozen")];
    const agent = this.#retired ? false : this.#agent;
    const request = get(new URL("/health/ready", this.url), { agent }, (response) => {
      response.resume();
      waits = false;
      this.#become(response.statusCode === 200 ? "ready" : "unready");
    });
    // A process that ended, or that takes no more connections, is not frozen: a connection to it fails at once.
    request.once("error", () => {});
    request.once("close", () => {
      waits = false;
      if (this.#stopped) return;
      for (const timer of this.#timers) clearTimeout(timer);
      this.#timers = [setTimeout(() => this.#check(), everyMs)];
    });
  }

  #become(condition: Condition): void {
    if (this.#condition === condition || this.#stopped) return;
    const before = this.#condition;
    this.#condition = condition;
    this.#options.onChange(before);
  }
}
