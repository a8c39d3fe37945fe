import { describe, expect, test } from "vitest";
import type { EventStream } from "../formats/format.js";
import { inHeardOrder } from "./heard-order.js";
import type { SourceDiff, SourceEvent, SourceSnapshot, SourceTrade } from "./source-event.js";

const instrument = { symbol: "BTCUSDT", source: "TEST", decimals: 3 } as const;
const second = 1_000_000_000n;

/** Received `at` seconds after 1970. */
const base = (heard: number, at: number) => ({
  instrument,
  ns: undefined,
  receivedNs: BigInt(Math.round(at * 1000)) * (second / 1000n),
  heard,
});
const diff = (heard: number, at: number): SourceDiff => ({ kind: "diff", ...base(heard, at), bids: [], asks: [] });
const snapshot = (heard: number, at: number): SourceSnapshot => ({ ...diff(heard, at), kind: "snapshot" });
const trade = (heard: number, at: number): SourceTrade => ({
  kind: "trade",
  ...base(heard, at),
  timestamp: "1970-01-01T00:00:00.000Z",
  price: heard,
  size: 1,
  side: "buy",
});

async function* stream(events: readonly SourceEvent[]): EventStream {
  for (const event of events) yield [event];
}

async function ordered(...streams: (readonly SourceEvent[])[]): Promise<SourceEvent[]> {
  const all: SourceEvent[] = [];
  for await (const events of inHeardOrder(streams.map(stream))) all.push(...events);
  return all;
}

describe("[EX10] exported messages are imported in the order of receipt", () => {
  test("of book and trades, however late the book took them", async () => {
    const book = [diff(3, 3), diff(0, 0), diff(1, 1), diff(7, 7), diff(5, 5)];
    const trades = [trade(2, 2), trade(6, 6), trade(4, 4)];
    expect((await ordered(book, trades)).map(({ heard }) => heard)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("also where the receive time is the same", async () => {
    const book = [diff(1, 0), diff(2, 0), diff(5, 0)];
    const trades = [trade(0, 0), trade(3, 0), trade(4, 0)];
    expect((await ordered(book, trades)).map(({ heard }) => heard)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("trades that came with a snapshot are a part of it again", async () => {
    const [first, second, ...others] = await ordered([snapshot(0, 0), snapshot(1, 1)], [trade(1, 1), trade(1, 1)]);
    expect([first?.heard, others]).toEqual([0, []]);
    expect(second).toMatchObject({ kind: "snapshot", heard: 1, trades: [{ price: 1 }, { price: 1 }] });
  });

  test("what is missing for a minute is not waited for, so that memory has an end", async () => {
    // Of every ten messages one had no level, and so has no row.
    const all = Array.from({ length: 10_000 }, (_, heard) => heard).filter((heard) => heard % 10 !== 9);
    const late = all.map((heard, at) =>
      at % 3 === 0 ? (all[at + 1] ?? heard) : at % 3 === 1 ? (all[at - 1] ?? heard) : heard,
    );
    let waiting = 0;
    let most = 0;
    async function* counted(): EventStream {
      for (const heard of late) {
        waiting++;
        most = Math.max(most, waiting);
        yield [diff(heard, heard)];
      }
    }
    const found: number[] = [];
    for await (const events of inHeardOrder([counted()])) {
      waiting -= events.length;
      for (const { heard = -1 } of events) found.push(heard);
    }
    expect(found).toEqual(all);
    expect(most).toBeLessThan(200);
  });

  test("only one of the two files", async () => {
    const trades = Array.from({ length: 1_000 }, (_, nth) => trade(3 * nth, nth));
    expect((await ordered(trades)).map(({ heard }) => heard)).toEqual(trades.map(({ heard }) => heard));
  });
});
