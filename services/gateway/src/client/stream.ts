import { setTimeout as sleep } from "node:timers/promises";
import type { CloseCode } from "@tapedeck/protocol";
import { DamagedBlock, type Seq, type Tape } from "@tapedeck/tape";
import type { Trading } from "@tapedeck/trading";
import type { Counters } from "../metrics.js";
import type { Subscriber } from "../subscription/delivery.js";
import type { StreamItem } from "../subscription/notifications.js";
import { loadMerged, loadMessage, nextMessage, type PlaybackSegment } from "../subscription/playback-segment.js";
import { isUnavailable, retryMs } from "../subscription/segment-opener.js";
import { errorMessage } from "../subscription/session-messages.js";
import type { SessionSubscription } from "../subscription/subscription.js";
import { assessBacklog, historyMessage, legacyHistoryMessage, recordedFrames } from "./catch-up.js";
import { type FrameMessage, OrderMessages } from "./order-messages.js";
import type { SendQueue } from "./send-queue.js";

interface ClientStreamOptions {
  readonly legacy: boolean;
  readonly subscription: Pick<SessionSubscription, "id" | "lastSeq" | "frameSent">;
  readonly queue: SendQueue;
  readonly counters: Counters;
  readonly trading: Pick<Trading, "between" | "sentAfter">;
  /** Called for damaged blocks, for an unavailable tape store, and for unexpected errors. */
  readonly onFailure: (error: unknown) => void;
}

/** With more items waiting, a reader is so slow that only the newest state matters to it. */
const maxItemsWithStates = 64;
/** A client that has more items waiting sends requests without reading the answers, and is closed. */
const maxItems = 2_048;
/** After so many steps other sockets get a turn. */
const stepsPerTurn = 64;

/**
 * The frames and messages on their way to one socket. While the stream is caught up, frames are forwarded as they are published;
 * otherwise one loop brings it up to the subscription's last frame from the tape. That loop alone serves missing frames, the end of
 * the history, a resume, a new epoch and a slow reader.
 */
export class ClientStream implements Subscriber {
  /** HOT: all frames up to the subscription's last one have been sent, no item is waiting, and the session has no orders. */
  #caughtUp = false;
  readonly #orders: OrderMessages;
  readonly #options: ClientStreamOptions;
  readonly #queue: SendQueue;
  readonly #counters: Counters;
  #items: StreamItem[] = [];
  #segment: PlaybackSegment | undefined;
  /** The last frame that went to the socket, or was skipped for it. */
  #sentSeq: Seq = -1;
  #history: Extract<StreamItem, { type: "history" }> | undefined;
  /** What to do with the frames that a slow reader missed: `assess` how many they are, then `merge` them. */
  #lag: "none" | "assess" | "merge" = "none";
  /** A damaged block ahead, while the frames before it are sent. */
  #damagedAhead: DamagedBlock | undefined;
  #running = false;
  /** The first message, which is `session`, has been sent. */
  #greeted = false;
  /** The client acknowledges frames: in lossless pace it gets each one. */
  #reads = false;
  /** When a client that only watches a session in lossless pace gets its next frame, on the monotonic clock. */
  #nextMergedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ClientStreamOptions) {
    this.#options = options;
    this.#queue = options.queue;
    this.#counters = options.counters;
    this.#orders = new OrderMessages(options);
  }

  forward(body: Uint8Array | string, seq: Seq, prev: Seq): void {
    if (!this.#caughtUp || this.#queue.blocked) {
      this.#orders.published(prev, seq, body);
      this.wake();
      return;
    }
    this.#sentSeq = seq;
    this.#queue.queue(body);
    this.#counters.framesForwarded++;
  }

  wake(): void {
    this.#caughtUp = false;
    if (!this.#running) void this.#run();
  }

  push(item: StreamItem): void {
    this.#items.push(item);
    if (isReplaceable(item) && this.#items.length > maxItemsWithStates) this.#items = withoutOldStates(this.#items);
    if (this.#items.length > maxItems) this.close(4408, "answers are not read");
    this.wake();
  }

  /** Answers a ping, which asks whether this node lives: at once, also while a frame is read or generated, but not before `session`. */
  pong(): void {
    const message = '{"type":"pong"}';
    if (this.#queue.blocked) return;
    if (this.#greeted) this.#queue.send(message);
    else this.push({ type: "message", message: () => message });
  }

  /** The client acknowledges frames from now on. */
  waitForReader(): void {
    this.#reads = true;
    this.#queue.patient = (this.#segment?.record.lossless ?? null) !== null;
  }

  close(code: CloseCode, reason: string): void {
    this.#queue.close(code, reason);
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      for (let steps = 1; this.#queue.open; steps++) {
        const step = this.#step();
        if (step === "done") return;
        if (step !== undefined) await step;
        else if (steps % stepsPerTurn === 0) await new Promise(setImmediate);
      }
    } catch (error) {
      this.#options.onFailure(error);
      this.#queue.close(1012, "internal error on this node");
    } finally {
      this.#running = false;
    }
  }

  #step(): Promise<void> | undefined | "done" {
    if (this.#history) return this.#queue.whenWritable() ?? this.#sendHistory(this.#history);
    if (this.#queue.blocked) {
      if (!this.#queue.patient) this.#lag = "assess";
      return this.#queue.whenWritable();
    }
    const item = this.#items[0];
    const segment = this.#segment;
    if (segment !== undefined) {
      const goal = item === undefined ? this.#options.subscription.lastSeq : lastSeqBefore(item, segment.epoch);
      if (this.#sentSeq < goal) {
        const leaving = item?.type === "epoch" || item?.type === "history";
        return this.#sendFrame(segment, this.#upToDamage(goal), leaving);
      }
    }
    if (item !== undefined) {
      this.#items.shift();
      return this.#begin(item);
    }
    this.#lag = "none";
    // A client that has resumed may have frames that this node has not received yet.
    this.#caughtUp = !this.#orders.expected && this.#sentSeq === this.#options.subscription.lastSeq;
    return "done";
  }

  // Items

  #begin(item: StreamItem): Promise<void> | undefined {
    if (item.type === "message" || item.type === "state") return this.#sendMessage(item.message);
    if (item.segment instanceof Promise) return item.segment.then((segment) => this.#enter(item, segment));
    return this.#enter(item, item.segment);
  }

  #enter(
    item: Extract<StreamItem, { type: "segment" | "epoch" | "history" }>,
    segment: PlaybackSegment,
  ): Promise<void> | undefined {
    const begins = item.type !== "segment" && segment.epoch !== this.#segment?.epoch;
    this.#orders.enter(segment, this.#segment, this.#sentSeq, begins ? item : undefined);
    if (begins) this.#sentSeq = item.startAfter;
    this.#segment = segment;
    this.#queue.patient = this.#reads && segment.record.lossless !== null;
    if (item.type === "segment") return undefined;
    if (item.type === "history") this.#history = item;
    return this.#sendMessage(item.message);
  }

  #sendMessage(make: (() => string | Promise<string>) | undefined): Promise<void> | undefined {
    if (this.#options.legacy) return undefined;
    const message = make?.();
    if (message instanceof Promise) return message.then((late) => this.#sendText(late));
    if (message !== undefined) this.#sendText(message);
    return undefined;
  }

  #sendText(message: string): void {
    this.#queue.send(message);
    this.#greeted = true;
  }

  async #sendHistory(history: Extract<StreamItem, { type: "history" }>): Promise<void> {
    const { legacy, subscription } = this.#options;
    const { upTo, complete } = history;
    const tape = this.#segment?.tape;
    const damage: unknown[] = [];
    const frames: string[] = [];
    let seq = tape === undefined ? upTo : this.#sentSeq;
    try {
      for (let first = true; tape !== undefined && (first || (legacy && seq < upTo)); first = false) {
        const recorded = await recordedFrames(tape, seq, upTo, (error) => damage.push(error));
        frames.push(...recorded.frames);
        seq = recorded.seq;
      }
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      return this.#retryLater(error);
    }
    if (this.#segment !== undefined) {
      const told = this.#tell(this.#segment, seq);
      if (told !== undefined && !(await told)) return;
    }
    this.#sentSeq = seq;
    if (seq >= upTo) this.#history = undefined;
    const epoch = this.#segment?.epoch ?? 0;
    this.#queue.sendHistory(
      legacy ? legacyHistoryMessage(subscription.id, frames) : historyMessage(subscription.id, epoch, complete, frames),
    );
    for (const error of damage) {
      if (error instanceof DamagedBlock) this.#reportDamage(error);
      else this.#options.onFailure(error);
    }
  }

  // Frames

  /** @param leaving whether another epoch follows, so that a slow reader does not need the rest of this one */
  #sendFrame(segment: PlaybackSegment, goal: Seq, leaving: boolean): Promise<void> | undefined {
    const { tape } = segment;
    if (tape === undefined) {
      this.#sentSeq = goal; // there is nothing to render from: this client does not get these frames
      return undefined;
    }
    if (this.#lag !== "none") return this.#sendMerged(tape, goal, leaving);
    if (segment.record.lossless !== null && !this.#reads) return this.#sendConflated(segment, tape, goal, leaving);
    const message = this.#orders.takePublished(this.#sentSeq, goal) ?? nextMessage(segment, this.#sentSeq, goal);
    if (message === "missing") return this.#deliverLoaded(loadMessage(segment, this.#sentSeq, goal), goal);
    if (this.#orders.expected) return this.#deliverLoaded(Promise.resolve(message), goal);
    this.#deliver(message, goal);
    return undefined;
  }

  /** What a slow reader missed, as few messages as possible. */
  #sendMerged(tape: Tape, goal: Seq, leaving: boolean): Promise<void> | undefined {
    if (leaving) {
      const told = this.#segment && this.#tell(this.#segment, goal);
      if (told !== undefined) return told.then((done) => (done ? this.#skip(goal, 0) : undefined));
      this.#skip(goal, 0);
      return undefined;
    }
    const after = this.#sentSeq;
    if (this.#lag === "merge") {
      const merged = loadMerged(tape, after, goal).then((message) => {
        this.#reportLag(message.seq - after - 1, 0);
        return message;
      });
      return this.#deliverLoaded(merged, goal);
    }
    this.#lag = "merge";
    return assessBacklog(tape, after, goal).then(
      ({ skipTo, tradesLeftOut }) => this.#skip(skipTo, tradesLeftOut),
      (error) => {
        if (isUnavailable(error)) this.#lag = "assess";
        return this.#skipUnreadable(error, goal);
      },
    );
  }

  /** In lossless pace, what readers get in the meantime: at the session's frame cap, merged, for those who only watch. */
  #sendConflated({ record }: PlaybackSegment, tape: Tape, goal: Seq, leaving: boolean): Promise<void> {
    const now = performance.now();
    if (now < this.#nextMergedAt && !leaving) return sleep(this.#nextMergedAt - now, undefined, { ref: false });
    this.#nextMergedAt = now + (record.maxFps === 0 ? 0 : 1000 / record.maxFps);
    return this.#deliverLoaded(loadMerged(tape, this.#sentSeq, goal), goal);
  }

  async #deliverLoaded(message: Promise<FrameMessage | undefined>, goal: Seq): Promise<void> {
    try {
      const loaded = await message;
      const told = loaded && this.#segment && this.#tell(this.#segment, loaded.seq);
      if (told === undefined || (await told)) this.#deliver(loaded, goal);
    } catch (error) {
      await this.#skipUnreadable(error, goal);
    }
  }

  #deliver(message: FrameMessage | undefined, goal: Seq): void {
    this.#sentSeq = message?.seq ?? goal; // no message: the tape ends before the goal
    if (message === undefined || !this.#queue.open) return;
    if (this.#queue.patient) this.#queue.queue(message.text);
    else this.#queue.send(message.text);
    this.#counters.framesRendered++;
    this.#options.subscription.frameSent(this.#segment?.epoch ?? 0);
  }

  /** Sends what happened to the session's orders until a frame. False: not yet, since it cannot be read at the moment. */
  #tell(segment: PlaybackSegment, upTo: Seq): Promise<boolean> | undefined {
    if (!this.#orders.expected) return undefined;
    return this.#orders.until(segment, upTo).then(
      (messages) => {
        for (const message of messages) this.#queue.queue(message);
        return true;
      },
      async (error) => {
        if (isUnavailable(error)) {
          await this.#retryLater(error);
          return false;
        }
        this.#options.onFailure(error);
        this.#queue.send(errorMessage("TAPE_DAMAGED", ordersUnknown));
        return true;
      },
    );
  }

  #skip(to: Seq, tradesLeftOut: number): void {
    this.#reportLag(to - this.#sentSeq, tradesLeftOut);
    this.#sentSeq = to;
  }

  #reportLag(frames: number, tradesLeftOut: number): void {
    if (frames === 0) return;
    this.#counters.lags++;
    this.#counters.framesMerged += frames;
    this.#counters.tradesLeftOut += tradesLeftOut;
    if (this.#options.legacy) return;
    this.#queue.send(
      JSON.stringify({ type: "lag", frames, ...(tradesLeftOut > 0 ? { trades_left_out: tradesLeftOut } : {}) }),
    );
  }

  // What cannot be read

  /** The frames before a damaged block are sent before the block is skipped. */
  #upToDamage(goal: Seq): Seq {
    const damaged = this.#damagedAhead;
    return damaged !== undefined && this.#sentSeq < damaged.firstSeq - 1 ? Math.min(goal, damaged.firstSeq - 1) : goal;
  }

  /** Skips frames that can never be read, and waits for those of an unavailable store. */
  #skipUnreadable(error: unknown, goal: Seq): Promise<void> | undefined {
    if (isUnavailable(error)) return this.#retryLater(error);
    if (!(error instanceof DamagedBlock)) {
      this.#options.onFailure(error);
      this.#sentSeq = goal;
      this.#sendDamage("A part of the tape cannot be read and is left out.");
    } else if (this.#sentSeq < error.firstSeq - 1 && this.#damagedAhead?.firstSeq !== error.firstSeq) {
      this.#damagedAhead = error;
    } else {
      this.#reportDamage(error);
      this.#sentSeq = Math.min(goal, error.lastSeq);
      this.#damagedAhead = undefined;
    }
    return undefined;
  }

  #retryLater(unavailable: Error): Promise<void> {
    this.#options.onFailure(unavailable);
    return sleep(retryMs, undefined, { ref: false });
  }

  #reportDamage(error: DamagedBlock): void {
    this.#options.onFailure(error);
    this.#sendDamage(`Frames ${error.firstSeq} to ${error.lastSeq} of the tape are damaged and are left out.`);
  }

  #sendDamage(message: string): void {
    if (!this.#options.legacy) this.#queue.send(errorMessage("TAPE_DAMAGED", message));
  }
}

const ordersUnknown = "What happened to the session's orders cannot be read from its tape and is left out.";

/** The frame up to which a stream in this epoch sends before an item; -1 if the item does not wait for frames of this epoch. */
function lastSeqBefore(item: StreamItem, epoch: number): Seq {
  const after = item.type === "message" ? undefined : item.after;
  return after?.epoch === epoch ? after.seq : -1;
}

/** A later state of the session replaces this item. */
function isReplaceable({ type }: StreamItem): boolean {
  return type === "state" || type === "segment" || type === "epoch";
}

/** Keeps the newest segment and the newest state message of those that later ones replace. */
function withoutOldStates(items: readonly StreamItem[]): StreamItem[] {
  const segment = items.findLast((item) => item.type === "segment" || item.type === "epoch");
  const message = items.findLast(
    (item) => item.type === "state" || (item.type === "epoch" && item.message !== undefined),
  );
  return items.filter((item) => !isReplaceable(item) || item === segment || item === message);
}
