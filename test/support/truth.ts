import { type Frame, frame as frameSchema } from "@tapedeck/protocol";
import type { Seq, Tape } from "@tapedeck/tape";
import type { SeenFrame } from "./viewer.js";

/** Frames of a tape, all unless a last one is named, read straight from the store: what viewers' frames are compared with. */
export class Truth {
  readonly tape: Tape;
  readonly #json: readonly string[];
  readonly #ns: readonly number[];

  static async of(tape: Tape, last: Seq = tape.span.lastSeq): Promise<Truth> {
    const json: string[] = [];
    const ns: number[] = [];
    for (let seq = tape.span.firstSeq; seq <= last; ) {
      const block = await tape.load(seq);
      for (; seq <= block.lastSeq; seq++) {
        json[seq] = block.json(seq);
        ns[seq] = block.nsOf(seq);
      }
    }
    return new Truth(tape, json, ns);
  }

  private constructor(tape: Tape, json: readonly string[], ns: readonly number[]) {
    this.tape = tape;
    this.#json = json;
    this.#ns = ns;
  }

  get lastSeq(): Seq {
    return this.#json.length - 1;
  }

  get lastNs(): number {
    return this.#ns.at(-1) ?? 0;
  }

  json(seq: Seq): string {
    const json = this.#json[seq];
    if (json === undefined) throw new Error(`${this.tape.id} has no frame ${seq}`);
    return json;
  }

  frame(seq: Seq): Frame {
    return frameSchema.parse(JSON.parse(this.json(seq)));
  }

  ns(seq: Seq): number {
    const ns = this.#ns[seq];
    if (ns === undefined) throw new Error(`${this.tape.id} has no frame ${seq}`);
    return ns;
  }

  /** The last frame at or before a time, found by looking at each. */
  seqAt(ns: number): Seq {
    let seq = this.tape.span.firstSeq;
    while (seq < this.lastSeq && this.ns(seq + 1) <= ns) seq++;
    return seq;
  }

  /** All trades of the frames (prev, seq], as recorded. */
  trades(prev: Seq, seq: Seq): Frame["trades"] {
    const trades: Frame["trades"] = [];
    for (let at = prev + 1; at <= seq; at++)
      if (this.json(at).includes('"trades":[{')) trades.push(...this.frame(at).trades);
    return trades;
  }

  /** What is wrong with a frame that a viewer saw; undefined where it is what the tape says. */
  flaw(seen: SeenFrame): string | undefined {
    if (seen.seq > this.lastSeq || seen.prev < -1 || seen.prev >= seen.seq) {
      return `frame (${seen.prev}, ${seen.seq}] lies outside the tape, whose last is ${this.lastSeq}`;
    }
    const recorded = this.json(seen.seq);
    if (seen.prev === seen.seq - 1) {
      const same = seen.from === "live" ? seen.json === recorded : seen.json === JSON.stringify(JSON.parse(recorded));
      return same ? undefined : `frame ${seen.seq} is not the recorded one:\n  ${seen.json}\n  ${recorded}`;
    }
    return this.#flawOfMerged(seen);
  }

  #flawOfMerged(seen: SeenFrame): string | undefined {
    const frame = frameSchema.parse(JSON.parse(seen.json));
    const newest = this.frame(seen.seq);
    const trades = this.trades(seen.prev, seen.seq);
    const name = `frame (${seen.prev}, ${seen.seq}]`;
    if (JSON.stringify(frame.trades) !== JSON.stringify(trades)) {
      return `${name} has ${frame.trades.length} trades, the tape has ${trades.length}, or others`;
    }
    if (frame.trade_classified !== trades.length > 0) return `${name}: trade_classified is ${frame.trade_classified}`;
    if (trades.length > 0) {
      const volume = trades.reduce((sum, { size }) => sum + size, 0);
      if (Math.abs((frame.trade_volume ?? 0) - volume) > 1e-6 * volume) {
        return `${name}: trade_volume is ${frame.trade_volume}, not ${volume}`;
      }
      const last = trades.at(-1);
      if (frame.last_trade_price !== last?.price) return `${name}: last_trade_price is ${frame.last_trade_price}`;
      if (frame.trade_side !== last?.side) return `${name}: trade_side is ${frame.trade_side}`;
    }
    let anomalies = 0;
    for (let seq = seen.prev + 1; seq <= seen.seq; seq++) {
      if (!this.json(seq).includes('"anomalies":[]')) anomalies += this.frame(seq).anomalies.length;
    }
    if (frame.anomalies.length !== anomalies) return `${name}: ${frame.anomalies.length} anomalies, not ${anomalies}`;
    for (const [key, value] of Object.entries(newest)) {
      if (!mergedFields.has(key) && JSON.stringify(frame[key]) !== JSON.stringify(value)) {
        return `${name}: ${key} is ${JSON.stringify(frame[key])}, the newest frame's is ${JSON.stringify(value)}`;
      }
    }
    return undefined;
  }
}

/** Fields that tell of the whole stretch and not of its newest frame. */
const mergedFields = new Set([
  "trades",
  "trade_classified",
  "trade_volume",
  "last_trade_price",
  "trade_side",
  "effective_spread",
  "anomalies",
  "skipped",
  "gap_before_ms",
]);
