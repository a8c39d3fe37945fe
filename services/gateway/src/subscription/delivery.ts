import type { CloseCode } from "@tapedeck/protocol";
import type { FrameHead } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import type { Counters } from "../metrics.js";
import {
  advanceToFrame,
  advanceToState,
  type DeliveryCursor,
  type DeliveryDecision,
  decideDelivery,
} from "./delivery-rule.js";
import { type DeliveryDelay, FirstFrameSpan } from "./delivery-timing.js";
import type { StreamItem } from "./notifications.js";
import type { PlaybackSegment } from "./playback-segment.js";

/** One client of a session. It keeps up with the cursor by itself: forwarded frames are only the shortest way. */
export interface Subscriber {
  /** HOT: the frames after `prev`, where the cursor was, up to `seq`. The bytes are not copied before they are written. */
  forward(body: Uint8Array | string, seq: Seq, prev: Seq): void;
  /** The cursor has moved past frames that are not forwarded: they have to be rendered. */
  wake(): void;
  push(item: StreamItem): void;
  close(code: CloseCode, reason: string): void;
}

/** Delivers the frames of one session to its subscribers here, as the delivery rule decides. */
export class Delivery {
  readonly subscribers = new Set<Subscriber>();
  #cursor: DeliveryCursor = { epoch: 0, rev: 0, lastSeq: -1 };
  readonly #counters: Counters;
  readonly #delay: DeliveryDelay;
  readonly #firstFrame: FirstFrameSpan;

  constructor(sessionId: string, { counters, delay }: { counters: Counters; delay: DeliveryDelay }) {
    this.#counters = counters;
    this.#delay = delay;
    this.#firstFrame = new FirstFrameSpan(sessionId);
  }

  get cursor(): DeliveryCursor {
    return this.#cursor;
  }

  /** HOT: a frame was published on the session's channel. On "reread" nothing has been done with it. */
  receive(head: FrameHead, message: Buffer, segment: PlaybackSegment | Promise<PlaybackSegment>): DeliveryDecision {
    const decision = decideDelivery(this.#cursor, head);
    switch (decision) {
      case "forward": {
        const body = message.subarray(head.body);
        this.forward(body, head.seq);
        if (this.#delay.wanted) this.#delay.sample(body, segment);
        break;
      }
      case "catch-up":
        this.#counters.catchUps++;
        this.catchUp(head.seq);
        break;
      case "stale":
        this.#counters.staleFrames++;
        break;
      case "duplicate":
        this.#counters.duplicateFrames++;
        break;
      case "reread":
        break;
    }
    return decision;
  }

  /** HOT: sends a message that has all frames after the cursor up to `seq`. */
  forward(body: Uint8Array | string, seq: Seq): void {
    const { lastSeq } = this.#cursor;
    this.#cursor = advanceToFrame(this.#cursor, seq);
    for (const subscriber of this.subscribers) subscriber.forward(body, seq, lastSeq);
    if (this.#firstFrame.open) this.#firstFrame.end();
  }

  /** Lets subscribers render what they lack up to `seq`. Does nothing if the cursor is there already. */
  catchUp(seq: Seq): void {
    if (seq <= this.#cursor.lastSeq) return;
    this.#cursor = advanceToFrame(this.#cursor, seq);
    for (const subscriber of this.subscribers) subscriber.wake();
  }

  /** Follows a newer state of the session. Subscribers learn of it by the items that are pushed afterwards. */
  follow(state: DeliveryCursor): void {
    this.#cursor = advanceToState(this.#cursor, state);
  }

  push(item: StreamItem): void {
    for (const subscriber of this.subscribers) subscriber.push(item);
  }

  /** @param trace of a command that changed the session; undefined if it is not traced */
  traceFirstFrame(trace: string | undefined): void {
    this.#firstFrame.begin(trace);
  }

  /** A subscriber has sent a rendered frame of this epoch to its socket. */
  frameSent(epoch: number): void {
    if (epoch === this.#cursor.epoch) this.#firstFrame.end();
  }
}
