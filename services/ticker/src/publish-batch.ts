import { corkWrites, type RedisConnection } from "@tapedeck/runtime";
import { frameHead } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import { CheckpointCall } from "./checkpoints.js";
import type { PlaybackCursor } from "./cursor.js";

/** What becomes of a batch's commands. */
export interface BatchResults {
  /** Redis has published a message of the rendering's present chain, to so many listeners of its node. */
  published(cursor: PlaybackCursor, seq: Seq, listeners: number): void;
  /** It has not, or nobody knows. */
  failed(cursor: PlaybackCursor): void;
  /** A checkpoint that was not made. */
  checkpointFailed(cursor: PlaybackCursor, error: Error): void;
}

/** All that goes to Redis in one wake-up, in one write: messages and checkpoints. Replies are told apart by their place. */
export class PublishBatch {
  readonly #publisher: RedisConnection;
  readonly #of: PlaybackCursor[] = [];
  readonly #text: string[] = [];
  readonly #seq: Seq[] = [];
  /** The chain that a message belongs to, so that one of a chain that was given up meanwhile is recognised. */
  readonly #chain: number[] = [];
  readonly #errors: (Error | null | undefined)[] = [];
  readonly #replies: unknown[] = [];
  readonly #checkpoints: CheckpointCall[] = [];
  #awaited = 0;

  constructor(publisher: RedisConnection) {
    this.#publisher = publisher;
  }

  get messages(): number {
    return this.#of.length;
  }

  /** Messages and checkpoints. */
  get size(): number {
    return this.#checkpoints.reduce((sum, { size }) => sum + size, this.#of.length);
  }

  // HOT
  message(cursor: PlaybackCursor, seq: Seq, json: string): void {
    this.#of.push(cursor);
    this.#text.push(frameHead(cursor.rev, cursor.epoch, cursor.sentSeq, seq) + json);
    this.#seq.push(seq);
    this.#chain.push(cursor.generation);
  }

  checkpoint(cursor: PlaybackCursor): void {
    let last = this.#checkpoints.at(-1);
    if (last === undefined || last.full) {
      last = new CheckpointCall(this.#publisher);
      this.#checkpoints.push(last);
    }
    last.add(cursor);
  }

  /** @param landed called when Redis has answered every command, or the connection has broken */
  send(landed: () => void): void {
    this.#awaited = this.#of.length + this.#checkpoints.length;
    const answered = (): void => {
      if (--this.#awaited === 0) landed();
    };
    corkWrites(this.#publisher, () => {
      for (let i = 0; i < this.#of.length; i++) this.#publish(i, answered);
      for (const checkpoints of this.#checkpoints) checkpoints.send(answered);
    });
  }

  // HOT
  #publish(i: number, answered: () => void): void {
    const told = (error: Error | null | undefined, reply: unknown): void => {
      this.#errors[i] = error;
      this.#replies[i] = reply;
      answered();
    };
    const channel = this.#of[i]?.channel ?? "";
    if (this.#publisher.isCluster) this.#publisher.spublish(channel, this.#text[i] ?? "", told);
    else this.#publisher.publish(channel, this.#text[i] ?? "", told);
  }

  // HOT
  reportTo(outcome: BatchResults): void {
    for (let i = 0; i < this.#of.length; i++) {
      const cursor = this.#of[i];
      const seq = this.#seq[i];
      if (cursor === undefined || seq === undefined || this.#chain[i] !== cursor.generation) continue;
      if (this.#errors[i]) outcome.failed(cursor);
      else outcome.published(cursor, seq, Number(this.#replies[i]));
    }
    for (const checkpoints of this.#checkpoints) checkpoints.reportTo(outcome);
  }
}
