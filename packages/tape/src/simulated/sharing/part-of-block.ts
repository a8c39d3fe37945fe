import type { TradeSide } from "@tapedeck/protocol";
import type { Block, Seq } from "../../tape.js";

/** The first frames of a block, up to `lastSeq`: what follows is not this tape's. */
export class PartOfBlock implements Block {
  readonly of: Block;
  readonly lastSeq: Seq;

  constructor(of: Block, lastSeq: Seq) {
    this.of = of;
    this.lastSeq = lastSeq;
  }

  get firstSeq(): Seq {
    return this.of.firstSeq;
  }

  get size(): number {
    return this.of.size;
  }

  nsOf(seq: Seq): number {
    return this.of.nsOf(this.#own(seq));
  }

  tradeCountOf(seq: Seq): number {
    return this.of.tradeCountOf(this.#own(seq));
  }

  seqAt(ns: number): Seq {
    return Math.min(this.lastSeq, this.of.seqAt(ns));
  }

  json(seq: Seq): string {
    return this.of.json(this.#own(seq));
  }

  head(seq: Seq): string {
    return this.of.head(this.#own(seq));
  }

  trades(seq: Seq): string {
    return this.of.trades(this.#own(seq));
  }

  anomalies(seq: Seq): string {
    return this.of.anomalies(this.#own(seq));
  }

  tradeVolumeOf(seq: Seq): number {
    return this.of.tradeVolumeOf(this.#own(seq));
  }

  lastTradePriceOf(seq: Seq): number {
    return this.of.lastTradePriceOf(this.#own(seq));
  }

  lastTradeSideOf(seq: Seq): TradeSide {
    return this.of.lastTradeSideOf(this.#own(seq));
  }

  effectiveSpreadOf(seq: Seq): number | null {
    return this.of.effectiveSpreadOf(this.#own(seq));
  }

  gapBeforeNsOf(seq: Seq): number {
    return this.of.gapBeforeNsOf(this.#own(seq));
  }

  #own(seq: Seq): Seq {
    if (seq <= this.lastSeq) return seq;
    throw new RangeError(`frame ${seq} is not in this part of a block, which ends with ${this.lastSeq}`);
  }
}
