import { RefusedError, refuse } from "@tapedeck/protocol";

/** The client that requested costly work. */
export interface Requester {
  /** The user, or the address without authentication. */
  readonly user: string;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** The reason for aborting work whose client has gone. No client reads it; it is counted among the refusals. */
export function clientGone(): RefusedError {
  return new RefusedError(refuse("CLIENT_GONE", "The client left before the reply. Nothing was changed."));
}

/** Seconds after which the queue is likely to have room. */
const retryAfter = 5;

/** Runs costly work one piece at a time for each user, in the order of the requests. */
export class UserQueue {
  readonly #what: string;
  readonly #maxWaiting: number;
  /** What waits, for each user whose work is running. */
  readonly #waiting = new Map<string, Set<() => void>>();

  /** @param what names the work in refusals, in the plural */
  constructor(what: string, maxWaiting = 32) {
    this.#what = what;
    this.#maxWaiting = maxWaiting;
  }

  /** Rejects with `TOO_MANY_REQUESTS`, and with the signal's reason where that aborts before the work begins. */
  async run<T>({ user, signal }: Requester, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    await this.#turn(user, signal);
    try {
      return await work();
    } finally {
      this.#next(user);
    }
  }

  async #turn(user: string, signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting.get(user);
    if (waiting === undefined) {
      this.#waiting.set(user, new Set());
      return;
    }
    if (waiting.size >= this.#maxWaiting) {
      throw new RefusedError(
        refuse(
          "TOO_MANY_REQUESTS",
          `${this.#maxWaiting} ${this.#what} of this user are waiting already; they run one at a time. Nothing was changed.`,
        ),
        { retryAfter },
      );
    }
    await new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        waiting.delete(begin);
        reject(signal.reason);
      };
      waiting.add(begin);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #next(user: string): void {
    const waiting = this.#waiting.get(user);
    const [begin] = waiting ?? [];
    if (begin === undefined) {
      this.#waiting.delete(user);
      return;
    }
    waiting?.delete(begin);
    begin();
  }
}
