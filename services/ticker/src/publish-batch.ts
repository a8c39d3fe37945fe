import { AsciiPublish, corkWrites, type RedisConnection } from "@tapedeck/runtime";
import { frameHead } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import type { PlaybackCursor } from "./cursor.js";

/** Receives the results of a batch's commands. */
export interface BatchResults {
  /** Redis has published a message of the cursor's current generation, to so many subscribers of its node. */
  published(cursor: PlaybackCursor, seq: Seq, listeners: number): void;
  /** It has not, or the result is unknown. */
  failed(cursor: PlaybackCursor): void;
  /** A checkpoint was not written. */
  checkpointFailed(cursor: PlaybackCursor, error: Error): void;
}

/** The messages and checkpoints of one wake-up, in one write. Replies are matched by their order. */
export class PublishBatch {
  readonly #publisher: RedisConnection;
  readonly #cursors: PlaybackCursor[] = [];
  readonly #text: string[] = [];
  readonly #seq: Seq[] = [];
  /** The generation of each message, so that replies to an abandoned one are ignored. */
  readonly #generation: number[] = [];
  readonly #errors: (Error | null | undefined)[] = [];
  readonly #replies: unknown[] = [];
  readonly #checkpoints: CheckpointCall[] = [];
  #pending = 0;

  constructor(publisher: RedisConnection) {
    this.#publisher = publisher;
  }

  get messages(): number {
    return this.#cursors.length;
  }

  /** Messages and checkpoints. */
  get size(): number {
    return this.#checkpoints.reduce((sum, { size }) => sum + size, this.#cursors.length);
  }

  // HOT
  message(cursor: PlaybackCursor, seq: Seq, json: string): void {
    this.#cursors.push(cursor);
    this.#text.push(frameHead(cursor.rev, cursor.epoch, cursor.sentSeq, seq) + json);
    this.#seq.push(seq);
    this.#generation.push(cursor.generation);
  }

  checkpoint(cursor: PlaybackCursor): void {
    let last = this.#checkpoints.at(-1);
    if (last === undefined || last.full) {
      last = new CheckpointCall(this.#publisher);
      this.#checkpoints.push(last);
    }
    last.add(cursor);
  }

  /** @param landed called when Redis has replied to every command, or the connection has broken */
  send(landed: () => void): void {
    this.#pending = this.#cursors.length + this.#checkpoints.length;
    const replied = (): void => {
      if (--this.#pending === 0) landed();
    };
    corkWrites(this.#publisher, () => {
      for (let i = 0; i < this.#cursors.length; i++) this.#publish(i, replied);
      for (const checkpoints of this.#checkpoints) checkpoints.send(replied);
    });
  }

  // HOT
  #publish(i: number, replied: () => void): void {
    const onReply = (error: Error | null | undefined, reply: unknown): void => {
      this.#errors[i] = error;
      this.#replies[i] = reply;
      replied();
    };
    const cursor = this.#cursors[i];
    const text = this.#text[i];
    if (cursor === undefined || text === undefined) return;
    if (this.#publisher.isCluster) this.#publisher.spublish(cursor.channel, text, onReply);
    else this.#publisher.sendCommand(new AsciiPublish(cursor.publishHead, text, onReply));
  }

  // HOT
  reportTo(outcome: BatchResults): void {
    for (let i = 0; i < this.#cursors.length; i++) {
      const cursor = this.#cursors[i];
      const seq = this.#seq[i];
      if (cursor === undefined || seq === undefined || this.#generation[i] !== cursor.generation) continue;
      if (this.#errors[i]) outcome.failed(cursor);
      else outcome.published(cursor, seq, Number(this.#replies[i]));
    }
    for (const checkpoints of this.#checkpoints) checkpoints.reportTo(outcome);
  }
}

/** Returned instead of a revision if the session is gone. */
const noSession = -1;
/** A script blocks Redis: for so many sessions about 0.2 ms. */
const sessionsPerCall = 64;

/** Checkpoints in one call. One call per session would cost Redis as much as all messages together. */
class CheckpointCall {
  readonly #publisher: RedisConnection;
  readonly #cursors: PlaybackCursor[] = [];
  #error: Error | undefined;
  /** The reply of the script: place, revision, place, revision, ... */
  #changed: readonly number[] = [];

  constructor(publisher: RedisConnection) {
    this.#publisher = publisher;
  }

  get size(): number {
    return this.#cursors.length;
  }

  /** In a Redis Cluster all keys of a call must be in one slot, which the keys of two sessions hardly ever are. */
  get full(): boolean {
    return this.size >= (this.#publisher.isCluster ? 1 : sessionsPerCall);
  }

  add(cursor: PlaybackCursor): void {
    this.#cursors.push(cursor);
  }

  /** @param landed called when Redis has replied, or the connection has broken */
  send(landed: () => void): void {
    const keys = this.#cursors.map(({ key }) => key);
    const revsAndSeqs = this.#cursors.flatMap(({ rev, publishedSeq }) => [rev, publishedSeq]);
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
      for (const cursor of this.#cursors) outcome.checkpointFailed(cursor, this.#error);
      return;
    }
    for (let at = 0; at + 1 < this.#changed.length; at += 2) {
      const cursor = this.#cursors[(this.#changed[at] ?? 0) - 1];
      const rev = this.#changed[at + 1];
      if (rev === noSession) cursor?.events.gone();
      else if (rev !== cursor?.rev) cursor?.events.changed(); // otherwise the change has been received meanwhile
    }
  }
}
