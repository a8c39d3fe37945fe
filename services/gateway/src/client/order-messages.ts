import { isGrowingTape } from "@tapedeck/live";
import { isSameMarket, type SessionRecord } from "@tapedeck/sessions";
import type { Seq, Tape } from "@tapedeck/tape";
import { hasActions, type Trading } from "@tapedeck/trading";
import type { StreamItem } from "../subscription/notifications.js";
import type { PlaybackSegment } from "../subscription/playback-segment.js";
import { isUnavailable } from "../subscription/segment-opener.js";

interface OrderMessagesOptions {
  readonly legacy: boolean;
  readonly trading: Pick<Trading, "between" | "sentAfter">;
}

/** A message that stands for the frames after another one, up to `seq`: as it was published, or rendered. */
export interface FrameMessage {
  readonly seq: Seq;
  readonly text: string | Uint8Array;
}

/** Which of what happened to a session's orders one client has been told, and what comes with its next frame. */
export class OrderMessages {
  /** Whether the session has orders: then frames wait for what comes before them. */
  expected = false;
  readonly #options: OrderMessagesOptions;
  /** The client has been told what happened until this frame. */
  #toldSeq: Seq = -1;
  /** What happened until there was told before, or is not this client's business. */
  #beganSeq: Seq = -1;
  /** Actions after this one were heard of, perhaps after their places: what became of them may not have been told, though later things were. */
  #heardAfter: { readonly action: number | undefined } | undefined;
  /** What was told last, oldest first. */
  readonly #told = new Set<string>();
  /** Frames that came while the stream was busy, by the frame after which each begins. */
  readonly #published = new Map<Seq, FrameMessage>();

  constructor(options: OrderMessagesOptions) {
    this.#options = options;
  }

  /**
   * The stream goes on with a segment.
   *
   * @param sentSeq the last frame that was sent of the one before
   * @param begins the item with which an epoch begins, or a stream
   */
  enter(
    segment: PlaybackSegment,
    before: PlaybackSegment | undefined,
    sentSeq: Seq,
    begins: Extract<StreamItem, { type: "epoch" | "history" }> | undefined,
  ): void {
    const told = this.expected ? this.#toldSeq : sentSeq;
    this.expected = !this.#options.legacy && hasActions(segment.record);
    this.#published.clear();
    if (begins === undefined) {
      this.#toldSeq = told;
      this.#hearOf(segment.record, before?.record);
      return;
    }
    const isResumed = before === undefined && begins.type === "history";
    this.#toldSeq = isResumed ? begins.toldUpTo : this.#toldBefore(segment, before, told, begins);
    this.#beganSeq = this.#toldSeq;
    this.#heardAfter = undefined;
    this.#told.clear(); // what a rewind undid may happen again, and be the same
  }

  #hearOf({ chain }: SessionRecord, before: SessionRecord | undefined): void {
    const known = before?.chain?.head;
    if (chain !== null && chain.head !== known) this.#heardAfter ??= { action: known };
  }

  async #from(record: SessionRecord, tape: Tape): Promise<Seq> {
    if (this.#heardAfter === undefined) return this.#toldSeq;
    const sent = await this.#options.trading.sentAfter(record, this.#heardAfter.action);
    const before = (await tape.seqAt(sent ?? 0)) - 1;
    return Math.max(this.#beganSeq, Math.min(this.#toldSeq, before));
  }

  /** After a move forward, what happened in what is skipped is told with the first frame; after a rewind nothing is told again. */
  #toldBefore(
    { record }: PlaybackSegment,
    before: PlaybackSegment | undefined,
    told: Seq,
    begins: Extract<StreamItem, { type: "epoch" | "history" }>,
  ): Seq {
    const first = begins.type === "epoch" ? record.epochFromSeq : begins.startAfter + 1;
    return before !== undefined && isSameMarket(before.record, record) ? Math.min(told, first) : first;
  }

  /** A message with the frames after `prev` up to `seq` came, which cannot be forwarded at once. */
  published(prev: Seq, seq: Seq, text: string | Uint8Array): void {
    if (this.expected && this.#published.size < maxPublished) this.#published.set(prev, { seq, text });
  }

  /** The published bytes with the frames after one, up to `goal` at most. */
  takePublished(after: Seq, goal: Seq): FrameMessage | undefined {
    const found = this.#published.get(after);
    if (found === undefined || found.seq > goal) return undefined;
    for (const from of this.#published.keys()) if (from <= after) this.#published.delete(from);
    return found;
  }

  /** What the client is to be told before frame `upTo`, as messages. Rejects as reading tape and log does; then it counts as told, unless they are away. */
  async until({ record, tape }: PlaybackSegment, upTo: Seq): Promise<string[]> {
    if (tape === undefined) return [];
    if (upTo > tape.span.lastSeq && isGrowingTape(tape)) await tape.grownTo(upTo);
    const told = this.#toldSeq;
    try {
      const messages = await this.#options.trading.between(record, await this.#from(record, tape), upTo, tape);
      this.#toldSeq = Math.max(told, upTo);
      this.#heardAfter = undefined;
      return this.#untold(messages.map((message) => JSON.stringify(message)));
    } catch (error) {
      if (!isUnavailable(error)) this.#toldSeq = Math.max(told, upTo);
      throw error;
    }
  }

  #untold(texts: readonly string[]): string[] {
    const untold = texts.filter((text) => !this.#told.has(text));
    for (const text of untold) this.#told.add(text);
    for (const oldest of this.#told) {
      if (this.#told.size <= rememberedMessages) break;
      this.#told.delete(oldest);
    }
    return untold;
  }
}

/** So many of the last messages are known to have been told, since they may be read again. */
const rememberedMessages = 1_000;

/** More frames than that waiting are rendered from the tape, as for any slow reader. */
const maxPublished = 64;
