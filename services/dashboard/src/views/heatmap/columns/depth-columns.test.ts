import type { BookChanges, Frame, Level } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { DepthChunk } from "../../../playback/depth-chunk";
import { FrameLog } from "../../../playback/frame-log";
import { noLevel, unknownDepth } from "./brightness";
import { DepthColumns, type DepthSource, rows, slotOf } from "./depth-columns";
import { gridAround, rowOf } from "./price-grid";

const prices = { low: 0, high: 200 };
const grid = gridAround(prices, 1, 200, rows);

/** A book whose deep levels change with each frame. */
function deepBook(seq: number): { bids: Level[]; asks: Level[] } {
  return {
    bids: [
      [99, 1],
      [98, 2],
      [60, 3 + (seq % 5)],
      [40, seq % 3],
    ],
    asks: [
      [101, 1],
      [102, 2],
      [140, 1 + (seq % 7)],
    ],
  };
}

function frame(seq: number): Frame {
  const { bids, asks } = deepBook(seq);
  return {
    type: "snapshot",
    seq,
    timestamp: new Date(1_700_000_000_000 + seq * 100).toISOString(),
    symbol: "X",
    bids: bids.slice(0, 2),
    asks: asks.slice(0, 2),
    ...{ mid_price: 100, microprice: 100, best_bid: 99, best_ask: 101, spread: 2, q_bid: 1, q_ask: 1 },
    ...{ updates: 1, trades: [], trade_classified: false, anomalies: [] },
  };
}

function lineOf(seq: number, whole: boolean): BookChanges {
  const { bids, asks } = deepBook(seq);
  const texts = (side: Level[]): [string, string][] =>
    side.filter(([, size]) => !whole || size > 0).map(([price, size]) => [`${price}`, `${size}`]);
  const known = whole ? { known_low: "30", known_high: "150" } : {};
  return { seq, whole, bids: texts(bids), asks: texts(asks), ...known };
}

function chunkOf(first: number, through: number): DepthChunk {
  const chunk = new DepthChunk();
  for (let seq = first; seq <= through; seq++) chunk.add(lineOf(seq, seq === first));
  return chunk;
}

class Shown {
  readonly log = new FrameLog();
  readonly columns = new DepthColumns();
  chunks: DepthChunk[] = [];

  update(): void {
    const source: DepthSource = {
      ...{ log: this.log, grid, prices },
      deep: {
        revision: 0,
        chunks: this.chunks,
        newestUpTo: (seq) => this.chunks.find(({ first }) => first <= seq),
        chunkWith: (seq) => this.chunks.find(({ first, through }) => first <= seq && seq <= through),
      },
    };
    while (this.columns.update(source, () => {})) {}
  }

  /** The byte of a price in the column of a frame. */
  at(seq: number, price: number): number {
    const slot = slotOf(this.log, this.log.indexOfSeq(seq));
    return this.columns.bytes[slot * rows + rowOf(grid, price)] ?? -1;
  }
}

test("[DB87] a column has the whole book of its frame, whatever order frames and books come in", () => {
  const shown = new Shown();
  for (let seq = 0; seq < 40; seq++) shown.log.append(frame(seq), 1);
  shown.update();
  expect(shown.at(30, 60)).toBe(unknownDepth);
  shown.chunks = [chunkOf(20, 35)];
  shown.update();
  for (let seq = 40; seq < 50; seq++) shown.log.append(frame(seq), 1);
  shown.update();
  for (let seq = 36; seq < 50; seq++) shown.chunks[0]?.add(lineOf(seq, false));
  shown.chunks = [...shown.chunks, chunkOf(0, 19)];
  shown.update();
  shown.log.append(frame(30), 2); // a step back
  for (let seq = 31; seq < 50; seq++) {
    shown.log.append(frame(seq), 2);
    shown.update();
  }
  const once = new Shown();
  for (let seq = 0; seq < 50; seq++) once.log.append(frame(seq), 1);
  once.chunks = [chunkOf(20, 49), chunkOf(0, 19)];
  once.update();
  const column = (of: Shown, seq: number) => Array.from({ length: 200 }, (_, price) => of.at(seq, price));
  for (let seq = 0; seq < 50; seq++) {
    expect([seq, column(shown, seq)]).toEqual([seq, column(once, seq)]);
    for (const [price, size] of [...deepBook(seq).bids, ...deepBook(seq).asks]) {
      expect([seq, price, once.at(seq, price) > unknownDepth]).toEqual([seq, price, size > 0]);
    }
  }
  const sizes = [0, 1, 2, 3, 4].map((more) => once.at(more, 60));
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
});

test("[DB88] what is not known is not shown as empty", () => {
  const shown = new Shown();
  for (let seq = 0; seq < 10; seq++) shown.log.append(frame(seq), 1);
  shown.chunks = [chunkOf(5, 9)];
  shown.update();
  // Between the prices up to which the book is known; beyond them.
  expect([shown.at(7, 80), shown.at(7, 120)]).toEqual([noLevel, noLevel]);
  expect([shown.at(7, 20), shown.at(7, 170)]).toEqual([unknownDepth, unknownDepth]);
  // Before its book is loaded, a frame says nothing of what is behind its levels.
  expect([shown.at(3, 80), shown.at(3, 120), shown.at(3, 100)]).toEqual([unknownDepth, unknownDepth, noLevel]);
});

test("[DB87] while newer books are on their way, new columns have the frame's levels before the last known deep ones", () => {
  const shown = new Shown();
  for (let seq = 0; seq < 10; seq++) shown.log.append(frame(seq), 1);
  shown.chunks = [chunkOf(0, 9)];
  shown.update();
  const moved: Frame = { ...frame(10), bids: [[97, 5]], asks: [[99, 5]] };
  shown.log.append(moved, 1);
  shown.update();
  expect(shown.at(10, 60)).toBe(shown.at(9, 60));
  expect([shown.at(10, 97), shown.at(10, 99)].map((byte) => byte > unknownDepth)).toEqual([true, true]);
  expect(shown.at(10, 98)).toBe(noLevel);
});
