import type { BookChanges } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { DepthChunk } from "./depth-chunk";

const line = (seq: number, bids: BookChanges["bids"], asks: BookChanges["asks"] = []): BookChanges => ({
  ...{ seq, whole: false, bids, asks },
});

test("[DB87] a chunk has the book of each of its frames, also after a whole book and where a price changes sides", () => {
  const chunk = new DepthChunk();
  expect([chunk.isEmpty, chunk.first, chunk.through]).toEqual([true, Infinity, -Infinity]);
  chunk.add({ ...line(5, [["100.0", "1"]], [["101.0", "2"]]), whole: true, known_low: "90.0", known_high: null });
  chunk.add(
    line(
      7,
      [["101.0", "3"]],
      [
        ["101.0", "0"],
        ["102.0", "4"],
      ],
    ),
  );
  chunk.add({ ...line(8, [["50.0", "6"]]), whole: true, known_low: "50.0", known_high: "60.0" });
  chunk.add(line(9, []));
  const book = (seq: number) => chunk.bookAt(seq);
  expect(book(5)).toEqual({
    levels: [
      [100, 1],
      [101, 2],
    ],
    known: { low: 90, high: Infinity },
  });
  expect(book(6)).toEqual(book(5));
  expect(
    book(7)
      .levels.map(([price, size]) => `${price} ${size}`)
      .sort(),
  ).toEqual(["100 1", "101 3", "102 4"]);
  expect(book(8)).toEqual({ levels: [[50, 6]], known: { low: 50, high: 60 } });
  expect([chunk.first, chunk.through, chunk.knownAtEnd]).toEqual([5, 9, { low: 50, high: 60 }]);
});
