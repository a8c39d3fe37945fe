import type { TradeSide } from "@tapedeck/protocol";
import { gapField, roundedVolume, tradeFields } from "../format/frame-text.js";
import type { Block, CacheMiss, Seq, Tape } from "../tape.js";

/**
 * The JSON of the frame that stands for the frames (prev, seq]. For a single one these are the recorded bytes; otherwise
 * the newest frame with the trades, anomalies and gaps of all of them, and `skipped`. Throws `RangeError` for a stretch
 * that is not on the tape.
 *
 * HOT: once per message. Merging is concatenation; blocks in which nothing but books changed are not even needed.
 */
export function renderStretch(tape: Tape, prev: Seq, seq: Seq): string | CacheMiss {
  mustLieOn(tape, prev, seq);
  const newest = tape.block(seq);
  if (newest === undefined) return { seqToLoad: seq };
  if (prev === seq - 1) return newest.json(seq);

  const merge = new Merge();
  for (let from = prev + 1; from <= seq; ) {
    const number = tape.index.blockOf(from);
    const to = Math.min(tape.index.lastSeq(number), seq);
    if (!tape.index.bookOnly(number)) {
      const block = tape.block(from);
      if (block === undefined) return { seqToLoad: from };
      merge.add(block, from, to, seq);
    }
    from = to + 1;
  }
  return merge.json(tape, newest, prev, seq);
}

/** As `renderStretch`, waiting for one block after the other, so that it needs room for no more than two at a time. */
export async function render(tape: Tape, prev: Seq, seq: Seq): Promise<string> {
  mustLieOn(tape, prev, seq);
  const newest = tape.block(seq) ?? (await tape.load(seq));
  if (prev === seq - 1) return newest.json(seq);

  const merge = new Merge();
  for (let from = prev + 1; from <= seq; ) {
    const number = tape.index.blockOf(from);
    const to = Math.min(tape.index.lastSeq(number), seq);
    if (!tape.index.bookOnly(number)) merge.add(tape.block(from) ?? (await tape.load(from)), from, to, seq);
    from = to + 1;
  }
  return merge.json(tape, newest, prev, seq);
}

function mustLieOn(tape: Tape, prev: Seq, seq: Seq): void {
  if (prev >= tape.span.firstSeq - 1 && prev < seq && seq <= tape.span.lastSeq) return;
  throw new RangeError(`(${prev}, ${seq}] is no stretch of tape ${tape.id}, which ends at ${tape.span.lastSeq}`);
}

/** What the frames of a stretch leave to the message that stands for them, gathered oldest first. */
class Merge {
  #tradeCount = 0;
  #tradeVolume = 0;
  #lastPrice = 0;
  #lastSide: TradeSide = "unknown";
  #effectiveSpread: number | null = null;
  #trades = "";
  /** Of the frames that are skipped: the newest one's own stand before them. */
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
    const volume = roundedVolume(this.#tradeVolume, tape.precision.sizeDecimals);
    const fields = tradeFields(this.#tradeCount, volume, this.#lastPrice, this.#lastSide, this.#effectiveSpread);
    const anomalies = joined(block.anomalies(seq), this.#anomalies);
    return `${block.head(seq)}${fields},"trades":[${this.#trades}],"anomalies":[${anomalies}]${gapField(this.#gapNs)},"skipped":${seq - prev - 1}}`;
  }
}

function joined(a: string, b: string): string {
  if (a === "") return b;
  return b === "" ? a : `${a},${b}`;
}
