import type { RedisConnection } from "@tapedeck/runtime";
import type { PlaybackCursor } from "./cursor.js";
import type { BatchResults } from "./publish-batch.js";

/** In place of a revision: the session has no key. */
const noSession = -1;
/** A script is not interrupted: so many sessions keep Redis from other work for some 0.2 ms. */
const sessionsPerCall = 64;

/** Checkpoints that go to Redis in one call. One for each session would cost Redis as much as all messages together. */
export class CheckpointCall {
  readonly #publisher: RedisConnection;
  readonly #of: PlaybackCursor[] = [];
  #error: Error | undefined;
  /** As the script answers: place, revision, place, revision, ... */
  #changed: readonly number[] = [];

  constructor(publisher: RedisConnection) {
    this.#publisher = publisher;
  }

  get size(): number {
    return this.#of.length;
  }

  /** In a Redis Cluster all keys of a call lie in one slot, as those of two sessions hardly ever do. */
  get full(): boolean {
    return this.size >= (this.#publisher.isCluster ? 1 : sessionsPerCall);
  }

  add(cursor: PlaybackCursor): void {
    this.#of.push(cursor);
  }

  /** @param landed called when Redis has answered, or the connection has broken */
  send(landed: () => void): void {
    const keys = this.#of.map(({ key }) => key);
    const revsAndSeqs = this.#of.flatMap(({ rev, publishedSeq }) => [rev, publishedSeq]);
    this.#publisher.sessionCheckpoints(keys.length, ...keys, ...revsAndSeqs).then(
      (changed) => {
        this.#changed = changed;
        landed();
      },
      (error: Error) => {
        this.#error = error;
        landed();
      },
    );
  }

  reportTo(outcome: BatchResults): void {
    if (this.#error !== undefined) {
      for (const cursor of this.#of) outcome.checkpointFailed(cursor, this.#error);
      return;
    }
    for (let at = 0; at + 1 < this.#changed.length; at += 2) {
      const cursor = this.#of[(this.#changed[at] ?? 0) - 1];
      const rev = this.#changed[at + 1];
      if (rev === noSession) cursor?.events.gone();
      else if (rev !== cursor?.rev) cursor?.events.changed(); // otherwise it has been heard of meanwhile
    }
  }
}
