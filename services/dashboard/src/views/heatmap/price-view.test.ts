import { expect, test } from "vitest";
import { PriceView } from "./price-view";

const best = { low: 99, high: 101 };
const book = { extremes: { low: 1, high: 500 }, known: { low: 80, high: 130 } };

function spanOf(view: PriceView): [number, number] {
  while (view.follow(best)) {}
  const { low = NaN, high = NaN } = view.span ?? {};
  return [low, high];
}

test("[DB89] prices follow the market until the user scrolls, and again on request", () => {
  const view = new PriceView();
  const [low, high] = spanOf(view);
  expect(low).toBeLessThan(99);
  expect(high).toBeGreaterThan(101);
  expect(view.store.getState()).toEqual({ following: true, deep: false, whole: false });
  view.scroll(1);
  const scrolled = spanOf(view);
  expect(scrolled).toEqual([low + 1, high + 1]);
  expect(view.store.getState()).toEqual({ following: false, deep: true, whole: false });
  view.follow({ low: 199, high: 201 });
  expect(spanOf(view)).toEqual(scrolled);
  view.followPrice();
  expect(spanOf(view)).toEqual([low, high]);
  expect(view.store.getState()).toEqual({ following: true, deep: false, whole: false });
});

test("[DB89] while the view is scrolled, zooming keeps the price under the pointer in its place", () => {
  const view = new PriceView();
  spanOf(view);
  view.setBook(book);
  view.scroll(1);
  const [low, high] = spanOf(view);
  const share = (102 - low) / (high - low);
  view.zoom(2, 102);
  const [newLow, newHigh] = spanOf(view);
  expect(newHigh - newLow).toBeCloseTo(2 * (high - low));
  expect((102 - newLow) / (newHigh - newLow)).toBeCloseTo(share);
});

test("[DB87] one can zoom out to the book's last levels, and scroll to each of them", () => {
  const view = new PriceView();
  spanOf(view);
  view.setBook(book);
  for (let n = 0; n < 40; n++) view.zoom(1.3);
  const [low, high] = spanOf(view);
  expect(high - low).toBeGreaterThan(499);
  view.reset();
  spanOf(view);
  for (let n = 0; n < 1000; n++) view.scroll(-1);
  const [bottom, nearBottom] = spanOf(view);
  expect(bottom).toBeLessThan(1);
  expect(nearBottom).toBeGreaterThan(1);
});

test("[DB87] the whole book is from one end of what is known to the other, around the price", () => {
  const view = new PriceView();
  view.setBook(book);
  view.showWhole();
  const [low, high] = spanOf(view);
  expect(low).toBeLessThan(80);
  expect(high).toBeGreaterThan(130);
  expect((low + high) / 2).toBeCloseTo(100, 0);
  expect(view.store.getState()).toEqual({ following: true, deep: true, whole: true });
  view.zoom(0.9);
  expect(view.store.getState()).toMatchObject({ deep: true, whole: false });
  view.reset();
  expect(view.store.getState()).toEqual({ following: true, deep: false, whole: false });
});

test("[DB93] without a whole book one can zoom out as far as before", () => {
  const view = new PriceView();
  spanOf(view);
  for (let n = 0; n < 40; n++) view.zoom(1.3);
  const [low, high] = spanOf(view);
  expect((high - low) / 2).toBeLessThan(7);
});
