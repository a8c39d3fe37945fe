import { RefusedError, refuse } from "@tapedeck/protocol";

/** Streams that one user may have open at a node: each keeps it busy as long as its client reads. */
const perUser = 4;

/** Counts the long answers that are being sent. */
export class OpenStreams {
  readonly #open = new Map<string, number>();

  /**
   * Passes the pieces of an answer on. From the first one until the end they count as an open stream of the user, or the address if users are not
   * known. Fails with TOO_MANY_REQUESTS before the first piece if the user has too many.
   */
  async *counted<T>(user: string, pieces: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
    const open = this.#open.get(user) ?? 0;
    if (open >= perUser) throw tooMany();
    this.#open.set(user, open + 1);
    try {
      yield* pieces;
    } finally {
      const left = (this.#open.get(user) ?? 1) - 1;
      if (left > 0) this.#open.set(user, left);
      else this.#open.delete(user);
    }
  }
}

function tooMany(): RefusedError {
  const message = `${perUser} event streams of this user are open already; read one to its end or close it first.`;
  return new RefusedError(refuse("TOO_MANY_REQUESTS", message), { retryAfter: 5 });
}
