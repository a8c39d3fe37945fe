import { larger } from "@tapedeck/matching";
import type { Seq } from "@tapedeck/tape";
import { type ClockTape, firstFrameFrom } from "../events/tape-clock.js";
import type { TradingMessage } from "../ledger/ledger.js";

/** What the owner is told with a frame. */
export interface ShownMessage {
  readonly seq: Seq;
  /** For a look between two frames, the owner knows of it from this time on. Nanoseconds since 1970. */
  readonly toldNs: bigint;
  readonly message: TradingMessage;
}

/** A message of which it is not known yet which frame is the first that may show it. */
export interface Unheard {
  /** When the owner learns of it. */
  readonly heardNs: bigint;
  readonly message: TradingMessage;
  /** No frame before this one. */
  readonly from: Seq;
  /** Later than this; undefined: at `heardNs` or later. */
  readonly after: bigint | undefined;
}

interface Waiting extends Unheard, Pick<ShownMessage, "toldNs"> {}

/** Messages that are kept for viewers that come back; older ones are made again. */
const keptMessages = 5_000;

/** What a replay has to tell the owner, in its order: with which frame, and from which time on. */
export class ToldMessages {
  /** The messages of all frames after this one are kept. */
  keptAfter: Seq = -1;
  readonly shown: ShownMessage[] = [];
  readonly #waiting: Waiting[] = [];

  add(unheard: Waiting): void {
    this.#waiting.push(unheard);
  }

  /** Goes on where another replay was with a frame. */
  restore(unheard: readonly Unheard[], seq: Seq): void {
    this.keptAfter = seq;
    // What an event caused had happened with that frame, so it was the owner who had not heard of it.
    for (const each of unheard) this.add({ ...each, toldNs: larger(each.heardNs, (each.after ?? -1n) + 1n) });
  }

  /** Those that no frame has shown. */
  get unheard(): Unheard[] {
    return this.#waiting.map(({ toldNs: _, ...unheard }) => unheard);
  }

  /** When the owner learns of the next message after a time; undefined: none is on its way. */
  nextAfter(ns: bigint): bigint | undefined {
    return this.#waiting.find(({ toldNs }) => toldNs > ns)?.toldNs;
  }

  /** Finds the frames of messages that are due with the frame at `shownNs`. */
  async show(tape: ClockTape, shownNs: bigint): Promise<void> {
    let shown = 0;
    for (const { heardNs, message, from, after, toldNs } of this.#waiting) {
      // An action at a frame's time comes after all events of that time, which the next frame may show.
      const earliest = after !== undefined && after === heardNs ? heardNs + 1n : heardNs;
      if (earliest > shownNs) break;
      const seq = Math.max(from, await firstFrameFrom(tape, earliest));
      this.shown.push({ seq, toldNs, message });
      shown++;
    }
    this.#waiting.splice(0, shown);
    if (this.shown.length <= keptMessages * 2) return;
    this.shown.splice(0, this.shown.length - keptMessages);
    this.keptAfter = this.shown[0]?.seq ?? this.keptAfter;
  }

  /** Of the frames after `from` up to `to`. They are among the last ones, nearly always. */
  between(from: Seq, to: Seq): TradingMessage[] {
    const start = this.shown.findLastIndex(({ seq }) => seq <= from) + 1;
    const found: TradingMessage[] = [];
    for (const { seq, message } of this.shown.slice(start)) if (seq <= to) found.push(message);
    return found;
  }

  /** What the owner learns of from `fromNs` to `untilNs`, both inclusive, whether or not a frame has shown it. */
  toldBetween(fromNs: bigint, untilNs: bigint): TradingMessage[] {
    const start = this.shown.findLastIndex(({ toldNs }) => toldNs < fromNs) + 1;
    const found: TradingMessage[] = [];
    for (const list of [this.shown.slice(start), this.#waiting]) {
      for (const { toldNs, message } of list) if (toldNs >= fromNs && toldNs <= untilNs) found.push(message);
    }
    return found;
  }
}
