import type { TradeSide } from "@tapedeck/protocol";
import { gapField } from "../format/mark-gap.js";
import { roundVolume, tradeFields } from "../format/serialize-frame.js";
import type { Block, CacheMiss, Seq, Tape } from "../tape.js";

/**
 * The JSON of the frame that represents the frames (prev, seq]. For a single frame these are the recorded bytes; otherwise it is the
 * newest frame with the trades, anomalies and gaps of all of them, and `skipped`. Throws `RangeError` for a stretch beyond the tape.
 *
 * HOT: once per message. Merging is concatenation; blocks in which only books changed are not needed.
 */
export function renderStretch(tape: Tape, prev: Seq, seq: Seq): string | CacheMiss {
  assertOnTape(tape, prev, seq);
  const newest = tape.block(seq);
  if (newest === undefined) return { seqToLoad: seq };
  if (prev === seq - 1) return newest.json(seq);

  const merge = new Merge();
  for (let from = prev + 1; from <= seq; ) {
    const number = tape.index.blockOf(from);
    let to = Math.min(tape.index.lastSeq(number), seq);
    if (!tape.index.bookOnly(number)) {
      const block = tape.block(from);
      if (block === undefined) return { seqToLoad: from };
      to = Math.min(to, block.lastSeq);
      merge.add(block, from, to, seq);
    }
    from = to + 1;
  }
  return merge.json(tape, newest, prev, seq);
}

/** Like `renderStretch`, but waits for one block after the other, and holds at most two at a time. */
export async function render(tape: Tape, prev: Seq, seq: Seq): Promise<string> {
  assertOnTape(tape, prev, seq);
  const newest = tape.block(seq) ?? (await tape.load(seq));
  if (prev === seq - 1) return newest.json(seq);

  const merge = new Merge();
  for (let from = prev + 1; from <= seq; ) {
    const number = tape.index.blockOf(from);
    let to = Math.min(tape.index.lastSeq(number), seq);
    if (!tape.index.bookOnly(number)) {
      const block = tape.block(from) ?? (await tape.load(from));
      to = Math.min(to, block.lastSeq);
      merge.add(block, from, to, seq);
    }
    from = to + 1;
  }
  return merge.json(tape, newest, prev, seq);
}

function assertOnTape(tape: Tape, prev: Seq, seq: Seq): void {
  if (prev >= tape.span.firstSeq - 1 && prev < seq && seq <= tape.span.lastSeq) return;
  throw new RangeError(
    `frames (${prev}, ${seq}] are not on tape ${tape.id}, which has frames ${tape.span.firstSeq} to ${tape.span.lastSeq}`,
  );
}

/** Collects what the frames of a stretch contribute to the message that represents them, oldest first. */
class Merge {
  #tradeCount = 0;
  #tradeVolume = 0;
  #lastPrice = 0;
  #lastSide: TradeSide = "unknown";
  #effectiveSpread: number | null = null;
  #trades = "";
  /** Of the skipped frames; the newest frame's own come before them. */
  #anomalies = "";
  #gapNs = 0;

  add(block: Block, from: Seq, to: Seq, newest: Seq): void {
    for (let seq = from; seq <= to; seq++) {
      const count = block.tradeCountOf(seq);
      if (count > 0) {
        this.#tradeCount += count;
        this.#tradeVolume += block.tradeVolumeOf(seq);
        this.#lastPrice = block.lastTradePriceOf(seq);
        this.#lastSide = block.lastTradeSideOf(seq);
        this.#effectiveSpread = block.effectiveSpreadOf(seq);
        this.#trades = joined(this.#trades, block.trades(seq));
      }
      if (seq < newest) this.#anomalies = joined(this.#anomalies, block.anomalies(seq));
      this.#gapNs += block.gapBeforeNsOf(seq);
    }
  }

  json(tape: Tape, block: Block, prev: Seq, seq: Seq): string {
    const volume = roundVolume(this.#tradeVolume, tape.precision.sizeDecimals);
    const fields = tradeFields(this.#tradeCount, volume, this.#lastPrice, this.#lastSide, this.#effectiveSpread);
    const anomalies = joined(block.anomalies(seq), this.#anomalies);
    return `${block.head(seq)}${fields},"trades":[${this.#trades}],"anomalies":[${anomalies}]${gapField(this.#gapNs)},"skipped":${seq - prev - 1}}`;
  }
}

function joined(a: string, b: string): string {
  if (a === "") return b;
  return b === "" ? a : `${a},${b}`;
}
