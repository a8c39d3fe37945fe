import { inOneWrite } from "@tapedeck/runtime";
import { frameHead } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import type { Redis } from "ioredis";
import type { Rendering } from "./rendering.js";

/** In place of a chain: the command is a checkpoint. */
const checkpoint = -1;
/** The reply of a checkpoint whose session has no key. */
const noSession = -1;

/** What becomes of a batch's commands. */
export interface Outcome {
  /** Redis has published a message of the rendering's present chain, to so many listeners of its node. */
  published(rendering: Rendering, seq: Seq, listeners: number): void;
  /** It has not, or nobody knows. */
  failed(rendering: Rendering): void;
  /** A checkpoint that was not made. */
  unchecked(rendering: Rendering, error: Error): void;
}

/** All that goes to Redis in one wake-up, in one write: messages and checkpoints. Replies are told apart by their place. */
export class Batch {
  readonly #publisher: Redis;
  readonly #of: Rendering[] = [];
  /** The text of a message; empty for a checkpoint. */
  readonly #text: string[] = [];
  /** The seq of a message, the rev of a checkpoint. */
  readonly #mark: number[] = [];
  /** The chain that a message belongs to, so that one of a chain that was given up meanwhile is recognised. */
  readonly #chain: number[] = [];
  readonly #errors: (Error | null | undefined)[] = [];
  readonly #replies: unknown[] = [];
  #awaited = 0;

  constructor(publisher: Redis) {
    this.#publisher = publisher;
  }

  get size(): number {
    return this.#of.length;
  }

  // HOT
  message(rendering: Rendering, seq: Seq, json: string): void {
    this.#text.push(frameHead(rendering.rev, rendering.epoch, rendering.sent, seq) + json);
    this.#note(rendering, seq, rendering.chain);
  }

  checkpoint(rendering: Rendering): void {
    this.#text.push("");
    this.#note(rendering, rendering.rev, checkpoint);
  }

  /** @param landed called when Redis has answered every command, or the connection has broken */
  send(landed: () => void): void {
    this.#awaited = this.#of.length;
    inOneWrite(this.#publisher, () => {
      for (let i = 0; i < this.#of.length; i++) this.#command(i, landed);
    });
  }

  // HOT
  #command(i: number, landed: () => void): void {
    const rendering = this.#of[i];
    const text = this.#text[i];
    if (rendering === undefined || text === undefined) return;
    const answered = (error: Error | null | undefined, reply: unknown): void => {
      this.#errors[i] = error;
      this.#replies[i] = reply;
      if (--this.#awaited === 0) landed();
    };
    if (this.#chain[i] === checkpoint) {
      this.#publisher.sessionCheckpoint(rendering.key, rendering.rev, rendering.confirmed).then(
        (reply) => answered(null, reply),
        (error: Error) => answered(error, undefined),
      );
    } else {
      this.#publisher.publish(rendering.channel, text, answered);
    }
  }

  // HOT
  settle(outcome: Outcome): void {
    for (let i = 0; i < this.#of.length; i++) {
      const rendering = this.#of[i];
      const mark = this.#mark[i];
      if (rendering === undefined || mark === undefined) continue;
      const error = this.#errors[i];
      const reply = this.#replies[i];
      if (this.#chain[i] === checkpoint) {
        if (error) outcome.unchecked(rendering, error);
        else if (reply === noSession) rendering.events.gone();
        else if (reply !== mark && reply !== rendering.rev) rendering.events.changed();
      } else if (this.#chain[i] === rendering.chain) {
        if (error) outcome.failed(rendering);
        else outcome.published(rendering, mark, Number(reply));
      }
    }
  }

  #note(rendering: Rendering, mark: number, chain: number): void {
    this.#of.push(rendering);
    this.#mark.push(mark);
    this.#chain.push(chain);
  }
}
