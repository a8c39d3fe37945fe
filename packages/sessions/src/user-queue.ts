import { RefusedError, refuse } from "@tapedeck/protocol";

/** Who asked for something that takes its time. */
export interface Requester {
  /** The user, or the address where users are not known. */
  readonly user: string;
  /** Aborts when the asker has gone: nobody waits for an answer any more. */
  readonly signal: AbortSignal;
}

/** Why what an asker waited for was given up. It changes nothing, and nobody reads it but those who count refusals. */
export function clientGone(): RefusedError {
  return new RefusedError(refuse("CLIENT_GONE", "The client left before the answer. Nothing was changed."));
}

/** Seconds after which a place in the queue is likely to be free. */
const retryAfter = 5;

/** Costly work of which each user has one piece done at a time, the others waiting in the order in which they were asked for. */
export class UserQueue {
  readonly #what: string;
  readonly #mostWaiting: number;
  /** Those who wait, by users of whom something is being done. */
  readonly #waiting = new Map<string, Set<() => void>>();

  /** @param what names the work to a user who has too much of it waiting, in the plural */
  constructor(what: string, mostWaiting = 32) {
    this.#what = what;
    this.#mostWaiting = mostWaiting;
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
    if (waiting.size >= this.#mostWaiting) {
      throw new RefusedError(
        refuse(
          "TOO_MANY_REQUESTS",
          `One of a user's ${this.#what} is carried out at a time, and ${this.#mostWaiting} wait already. Nothing was changed.`,
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
