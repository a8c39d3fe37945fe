import { expect, test } from "vitest";
import { ChecksumChain, NumberChain, WrittenBook } from "./book-chain.js";

test("[IM55] updates follow by their numbers: the first whatever it is, a repeated one, and those after a whole book", () => {
  const chain = new NumberChain();
  expect([chain.update(6, 7), chain.update(7, 9), chain.update(7, 9)]).toEqual(["follows", "follows", "follows"]);
  expect([chain.update(10, 11), chain.update(11, 12)]).toEqual(["broken", "follows"]);
  expect([chain.whole(1), chain.update(1, 2), chain.update(3, 4)]).toEqual(["follows", "follows", "broken"]);
});

test("[IM55] after a lost connection the next message is broken, if the book was known", () => {
  const numbers = new NumberChain();
  numbers.interrupt();
  expect(numbers.whole(5)).toBe("follows");
  numbers.interrupt();
  expect([numbers.whole(9), numbers.update(9, 10)]).toEqual(["broken", "follows"]);
  const checksums = new ChecksumChain();
  checksums.interrupt();
  expect([checksums.whole(), checksums.update(true)]).toEqual(["follows", "follows"]);
  checksums.interrupt();
  expect([checksums.update(true), checksums.update(true)]).toEqual(["broken", "follows"]);
});

test("[IM55] a wrong checksum is a break, and so is the next one after a right one", () => {
  const chain = new ChecksumChain();
  expect([chain.update(false), chain.update(true)]).toEqual(["follows", "follows"]); // no whole book yet: nothing is known
  expect(chain.whole()).toBe("follows");
  expect([true, undefined, false, false, true, false].map((right) => chain.update(right))).toEqual([
    "follows",
    "follows",
    "broken",
    "follows",
    "follows",
    "broken",
  ]);
});

test("[IM56] a written book gives the texts of its best levels, and forgets those that fall out", () => {
  const book = new WrittenBook();
  for (const [price, text] of [
    [99, "99.0:1"],
    [100, "100.0:2"],
    [98, "98.0:3"],
  ] as const) {
    book.set("bid", [price, 1], text);
  }
  book.set("ask", [101, 1], "101.0:1");
  expect([book.top("bid", 2), book.top("ask", 2)]).toEqual([["100.0:2", "99.0:1"], ["101.0:1"]]);
  book.keep(2);
  book.set("bid", [100, 0], "100.0:0");
  expect(book.top("bid", 9)).toEqual(["99.0:1"]);
  book.clear();
  expect([book.top("bid", 9), book.top("ask", 9)]).toEqual([[], []]);
});
