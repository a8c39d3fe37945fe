import { frameHead } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import type { ChainableCommander } from "ioredis";
import type { Rendering } from "./rendering.js";

/** In place of a chain: the command is a checkpoint. */
const checkpoint = -1;
/** The reply of a checkpoint whose session has no key. */
const noSession = -1;

export type Reply = readonly [error: Error | null, reply: unknown];
const noReply: Reply = [new Error("Redis did not answer"), undefined];

/** What becomes of a batch's commands. */
export interface Outcome {
  /** Redis has published a message of the rendering's present chain, to so many listeners of its node. */
  published(rendering: Rendering, seq: Seq, listeners: number): void;
  /** It has not, or nobody knows. */
  failed(rendering: Rendering): void;
  /** A checkpoint that was not made. */
  unchecked(rendering: Rendering, error: Error): void;
}

/** All that goes to Redis in one wake-up: messages and checkpoints, in one pipeline. Replies are told apart by their place. */
export class Batch {
  readonly #pipeline: ChainableCommander;
  readonly #of: Rendering[] = [];
  /** The seq of a message, the rev of a checkpoint. */
  readonly #mark: number[] = [];
  /** The chain that a message belongs to, so that one of a chain that was given up meanwhile is recognised. */
  readonly #chain: number[] = [];

  constructor(pipeline: ChainableCommander) {
    this.#pipeline = pipeline;
  }

  get size(): number {
    return this.#of.length;
  }

  // HOT
  message(rendering: Rendering, seq: Seq, json: string): void {
    this.#pipeline.publish(rendering.channel, frameHead(rendering.rev, rendering.epoch, rendering.sent, seq) + json);
    this.#note(rendering, seq, rendering.chain);
  }

  checkpoint(rendering: Rendering): void {
    this.#pipeline.sessionCheckpoint(rendering.key, rendering.rev, rendering.confirmed);
    this.#note(rendering, rendering.rev, checkpoint);
  }

  send(landed: (replies: readonly Reply[]) => void): void {
    this.#pipeline.exec((_, replies) => landed(replies ?? []));
  }

  // HOT
  settle(replies: readonly Reply[], outcome: Outcome): void {
    for (let i = 0; i < this.#of.length; i++) {
      const rendering = this.#of[i];
      const mark = this.#mark[i];
      if (rendering === undefined || mark === undefined) continue;
      const [error, reply] = replies[i] ?? noReply;
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
