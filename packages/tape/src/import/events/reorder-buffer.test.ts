import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeStreams } from "./merge-streams.js";
import { ReorderBuffer, reorderWindowNs, type TimedEvent } from "./reorder-buffer.js";
import type { Instrument, SourceEvent } from "./source-event.js";

const instrument: Instrument = { symbol: "X", source: "TEST", decimals: 3 };
const received = (ns: number) => ({ instrument, ns: BigInt(ns), receivedNs: BigInt(ns) });

function diff(ns: number, last: number): TimedEvent {
  return { ns, event: { kind: "diff", ...received(ns), ids: { first: last, last }, bids: [], asks: [] } };
}

function trade(ns: number, id: number): TimedEvent {
  const plain = { timestamp: "", price: 1, size: 1, side: "buy" as const };
  return { ns, event: { kind: "trade", ...received(ns), id, ...plain } };
}

function snapshot(ns: number, untimed: boolean): TimedEvent {
  return {
    ns,
    event: { kind: "snapshot", ...received(ns), ...(untimed ? { ns: undefined } : {}), bids: [], asks: [] },
  };
}

function reordered(events: readonly TimedEvent[]): { out: TimedEvent[]; counts: ReorderBuffer["counts"] } {
  const out: TimedEvent[] = [];
  const reorder = new ReorderBuffer((placed) => out.push(placed));
  for (const placed of events) reorder.push(placed);
  reorder.flush();
  return { out, counts: reorder.counts };
}

const idOf = ({ event }: TimedEvent) =>
  event.kind === "diff" ? event.ids?.last : event.kind === "trade" ? event.id : 0;

test("[IM7] events no later than the window come out once, in order of time and of ids", () => {
  const steps = fc.array(
    fc.record({
      after: fc.integer({ min: 0, max: 3e8 }),
      late: fc.integer({ min: 0, max: reorderWindowNs - 1 }),
      trade: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      let ns = 0;
      const events = list.map(({ after, late, trade: isTrade }, n) => {
        ns += after;
        return { placed: isTrade ? trade(ns, n + 1) : diff(ns, n + 1), arrives: ns + late };
      });
      const arrived = [...events].sort((a, b) => a.arrives - b.arrives).map(({ placed }) => placed);
      const { out, counts } = reordered(arrived);
      expect(out).toHaveLength(events.length);
      for (const kind of ["trade", "diff"] as const) {
        const ids = out.filter(({ event }) => event.kind === kind).map(idOf);
        expect(ids).toEqual([...ids].sort((a, b) => Number(a) - Number(b)));
      }
      out.forEach((placed, at) => {
        expect(placed.ns).toBeGreaterThanOrEqual(out[at - 1]?.ns ?? 0);
      });
      expect(counts.bookTooLate + counts.tradesTooLate).toBe(0);
    }),
  );
});

test("[IM7] at the same time trades go before the book that they led to", () => {
  const { out } = reordered([diff(5, 1), trade(5, 1), diff(6, 2)]);
  expect(out.map(({ event }) => event.kind)).toEqual(["trade", "diff", "diff"]);
});

test("[IM7] a trade that comes too late gets the newest time, and a late book without an id is left out", () => {
  const late = 2 * reorderWindowNs;
  const { out, counts } = reordered([diff(0, 1), diff(1, 2), diff(late, 3), trade(0, 1), snapshot(0, false)]);
  expect(out.map(({ ns, event }) => [ns, event.kind])).toEqual([
    [0, "diff"],
    [1, "diff"],
    [1, "trade"],
    [late, "diff"],
  ]);
  expect(counts).toMatchObject({ tradesTooLate: 1, bookTooLate: 1 });
});

test("[IM7] a snapshot without a time goes before the diffs received after it, whatever their times", () => {
  const plain = (ns: number): TimedEvent => ({ ns, event: { kind: "diff", ...received(ns), bids: [], asks: [] } });
  const { out, counts } = reordered([snapshot(100, true), plain(90), plain(95), plain(120)]);
  expect(out.map(({ ns, event }) => [ns, event.kind])).toEqual([
    [90, "snapshot"],
    [90, "diff"],
    [95, "diff"],
    [120, "diff"],
  ]);
  expect(counts.bookOutOfOrder).toBe(0);
});

test("[IM55] messages whose sequence was checked keep their order, whatever their times are, and none is too late", () => {
  const checked = (ns: number, id: number): TimedEvent => ({
    ns,
    event: { kind: "diff", ...received(ns), ids: { first: id, last: id }, bids: [], asks: [], link: "follows" },
  });
  const untimed: TimedEvent = {
    ns: 100,
    event: { kind: "snapshot", ...received(100), ns: undefined, bids: [], asks: [], link: "follows" },
  };
  const far = 100 + 2 * reorderWindowNs;
  const { out, counts } = reordered([
    untimed,
    checked(90, 9),
    trade(95, 1),
    checked(80, 2),
    checked(far, 3),
    checked(70, 4),
  ]);
  expect(out.filter(({ event }) => event.kind !== "trade").map(idOf)).toEqual([0, 9, 2, 3, 4]);
  expect(out).toHaveLength(6);
  expect(counts).toEqual({ bookOutOfOrder: 0, tradesOutOfOrder: 0, bookTooLate: 0, tradesTooLate: 0 });
});

test("[IM3] streams are merged by receive time, and each keeps its own order", async () => {
  const streams = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(streams, fc.integer({ min: 1, max: 7 }), async (times, batch) => {
      async function* stream(own: readonly SourceEvent[]) {
        for (let at = 0; at < own.length; at += batch) yield own.slice(at, at + batch);
      }
      const events = times.map((own, file) =>
        [...own].sort((a, b) => a - b).map((ns, n) => trade(ns, file * 1000 + n).event),
      );
      const merged: SourceEvent[] = [];
      for await (const some of mergeStreams(events.map(stream))) merged.push(...some);
      expect(merged).toHaveLength(events.flat().length);
      merged.forEach((event, at) => {
        expect(event.receivedNs >= (merged[at - 1]?.receivedNs ?? 0n)).toBe(true);
      });
      for (const own of events) expect(merged.filter((event) => own.includes(event))).toEqual(own);
    }),
    { numRuns: 60 },
  );
});
