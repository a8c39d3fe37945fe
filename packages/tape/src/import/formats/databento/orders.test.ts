import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OrderRow, orderRowsOf } from "../../../track/orders/testing.js";
import type { SourceEvent } from "../../events/source-event.js";
import { TestFolder, textOf } from "../../input/testing.js";
import { eventsOf, framesOf, type Imported, importToMemory, tapeOf } from "../../test-recordings.js";
import { dbnOf, flags, mboRecord, schemaNumbers, startNs } from "./dbn/testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const mapped = { symbol: "ESH4", intervals: [[20240301, 20240303, "5482"]] } as const;
const cents = 10_000_000n;
type Mbo = Parameters<typeof mboRecord>[0];

function add(order: bigint, side: "A" | "B", price: number, size: number, rest: Partial<Mbo> = {}): Mbo {
  return { action: "A", order, side, price: BigInt(price) * cents, size, ...rest };
}

function fileOf(records: readonly Mbo[], mappings: readonly (typeof mapped)[] = [mapped]): Uint8Array {
  return dbnOf({
    schema: schemaNumbers.mbo,
    mappings,
    records: records.map((record, n) => mboRecord({ event: n, sequence: n, ...record })),
  });
}

async function eventsIn(records: readonly Mbo[]): Promise<SourceEvent[]> {
  const events = [];
  for await (const event of eventsOf([await folder.file(fileOf(records))])) events.push(event);
  return events;
}

/** Levels and times only. */
async function changesIn(records: readonly Mbo[]): Promise<unknown[]> {
  return (await eventsIn(records)).map((event) => {
    const at = Number((event.ns ?? 0n) - startNs);
    if (event.kind === "trade") return ["trade", at, event.price, event.size, event.side];
    return event.kind === "diff" || event.kind === "snapshot" ? [event.kind, at, event.bids, event.asks] : [];
  });
}

const open = { flags: 0 };
const clear: Mbo = { action: "R" };

describe("Databento's orders (mbo)", () => {
  test("[IM104] orders are added, modified and cancelled, and the changed levels are said", async () => {
    const records: Mbo[] = [
      clear,
      add(1n, "B", 100, 5),
      add(2n, "B", 100, 3),
      add(3n, "A", 102, 4),
      { ...add(1n, "B", 100, 2), action: "M" },
      { ...add(2n, "B", 101, 3), action: "M" },
      { ...add(3n, "A", 102, 1), action: "C" },
      { ...add(3n, "A", 102, 3), action: "C" },
      { ...add(2n, "B", 101, 9), action: "C" },
      clear,
    ];
    expect(await changesIn(records)).toEqual([
      ["snapshot", 0, [], []],
      ["diff", 1, [[1, 5]], []],
      ["diff", 2, [[1, 8]], []],
      ["diff", 3, [], [[1.02, 4]]],
      ["diff", 4, [[1, 5]], []],
      [
        "diff",
        5,
        [
          [1, 2],
          [1.01, 3],
        ],
        [],
      ],
      ["diff", 6, [], [[1.02, 3]]],
      ["diff", 7, [], [[1.02, 0]]],
      ["diff", 8, [[1.01, 0]], []],
      ["diff", 9, [[1, 0]], []],
    ]);
  });

  test("[IM104] the records of one event change the book at once, and its trades precede that", async () => {
    const trade = { ...open, action: "T", side: "B", price: 102n * cents, size: 4, event: 50 };
    const records: Mbo[] = [
      { ...clear, ...open, event: 1 },
      add(1n, "B", 100, 5, { ...open, event: 1 }),
      add(2n, "A", 102, 4, { event: 1 }),
      trade,
      { ...trade, action: "F", side: "A", order: 2n },
      { ...add(2n, "A", 102, 4), action: "C", ...open, event: 50 },
      add(3n, "B", 102, 1, { ...open, event: 50 }),
      { action: "N", event: 50, sequence: 99 },
    ];
    const events = await eventsIn(records);
    expect(events).toMatchObject([
      { kind: "snapshot", ns: startNs + 1n, bids: [[1, 5]], asks: [[1.02, 4]], sequence: 2 },
      { kind: "trade", ns: startNs + 50n, price: 1.02, size: 4, side: "buy" },
      { kind: "diff", ns: startNs + 50n, bids: [[1.02, 1]], asks: [[1.02, 0]], sequence: 99 },
    ]);
    expect(events).toHaveLength(3);
  });

  test("[IM104] without the flag of an event's last record, a later time or the file's end completes it", async () => {
    const records = [clear, add(1n, "B", 100, 5), add(2n, "A", 102, 4), add(3n, "A", 102, 4)];
    expect(await changesIn(records.map((record, n) => ({ ...record, ...open, event: Math.floor(n / 2) })))).toEqual([
      ["snapshot", 0, [[1, 5]], []],
      ["diff", 1, [], [[1.02, 8]]],
    ]);
  });

  test("[IM104] a snapshot of the resting orders is a whole book at the time at which it was sent", async () => {
    const resting = { flags: flags.snapshot, received: 700 };
    const records: Mbo[] = [
      { ...clear, ...resting, event: null },
      add(1n, "B", 100, 5, { ...resting, event: -9e9 }),
      add(2n, "A", 102, 4, { ...resting, event: -8e9, flags: flags.snapshot | flags.last }),
      // Said before the snapshot was, heard after it.
      add(3n, "A", 103, 1, { event: 650, received: 800 }),
      { ...clear, ...resting, event: null, received: 900, flags: flags.snapshot | flags.last },
    ];
    expect(await changesIn(records)).toEqual([
      ["snapshot", 700, [[1, 5]], [[1.02, 4]]],
      ["diff", 700, [], [[1.03, 1]]],
      ["snapshot", 900, [], []],
    ]);
  });

  test("[IM104] best prices of venues without orders replace their side", async () => {
    const top = { flags: flags.topOfBook | flags.last };
    const records: Mbo[] = [
      add(0n, "B", 100, 5, top),
      add(0n, "A", 102, 4, top),
      add(0n, "B", 101, 6, top),
      { action: "A", side: "A", size: 0, ...top },
    ];
    expect((await changesIn(records)).slice(1)).toEqual([
      ["diff", 1, [], [[1.02, 4]]],
      [
        "diff",
        2,
        [
          [1, 0],
          [1.01, 6],
        ],
        [],
      ],
      ["diff", 3, [], [[1.02, 0]]],
    ]);
  });

  test("[IM104] orders that are not known, or known already, are counted, and a broken record changes nothing", async () => {
    const records: Mbo[] = [
      add(1n, "B", 100, 5),
      add(2n, "A", 102, 4),
      { ...add(9n, "A", 102, 1), action: "C" },
      { ...add(8n, "A", 102, 1), action: "M" },
      add(1n, "B", 101, 7),
      { ...add(7n, "B", 101, 7), side: "N" },
      { action: "A", order: 6n, side: "B", size: 1 },
    ];
    const path = await folder.file(fileOf(records), "odd.dbn");
    const { report } = await importToMemory([path], { intervalMs: 0 });
    expect(report.ignoredLines).toEqual({
      "cancellation of an order that is not known": 1,
      "order that was there already": 1,
    });
    expect(report.brokenLines.first.map(({ line, reason }) => [line, reason])).toEqual([
      [6, "an order has no side"],
      [7, "an order has no price"],
    ]);
    expect(report.notices).toEqual([
      "odd.dbn: CME ESH4 begins without the orders that rested before, so its book lacks those that are not touched later.",
    ]);
    expect(tapeOf({ report })).toMatchObject({ book: { finalBid: 1.01, finalAsk: 1.02 } });
  });

  test("[IM104] the CSV of orders is read as the DBN file is", async () => {
    const records: Mbo[] = [
      clear,
      add(1n, "B", 100, 5, open),
      add(2n ** 63n, "A", 102, 4),
      { ...add(1n, "B", 100, 2), action: "C" },
    ];
    const header =
      "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,sequence,symbol";
    const rows = records.map(({ action, order = 0n, side = "N", price, size = 0, flags: bits = flags.last }, n) => {
      const at = startNs + BigInt(n);
      const billionths = price ?? 2n ** 63n - 1n;
      return [at + 200_000n, at, 160, 1, 5482, action, side, billionths, size, 0, order, bits, 17, n, "ESH4"].join(",");
    });
    const events = [];
    for await (const event of eventsOf([await folder.file(textOf([header, ...rows]))])) events.push(event);
    expect(events).toEqual(await eventsIn(records));
    expect(events).toHaveLength(4);
  });

  test("[IM104] order ids of 64 bits are told apart", async () => {
    const large = 2n ** 63n;
    const records = [clear, add(large, "B", 100, 1), add(large + 1n, "B", 100, 1), add(large + 2n, "B", 100, 1)];
    expect((await changesIn([...records, { ...add(large, "B", 100, 1), action: "C" }])).at(-1)).toEqual([
      "diff",
      4,
      [[1, 2]],
      [],
    ]);
  });

  test("[IM104] each file begins a book of its own, and so does the next contract of a continuous symbol", async () => {
    const day = 86_400 * 1e9;
    const continuous = [
      { symbol: "ES.c.0", intervals: [[20240301, 20240302, "5482"]] as const },
      { symbol: "ES.c.0", intervals: [[20240302, 20240303, "77"]] as const },
    ];
    const records: Mbo[] = [
      add(1n, "B", 100, 5, { event: 0 }),
      add(2n, "A", 102, 4, { event: 1 }),
      add(2n, "A", 112, 4, { event: day, id: 77, ...open }),
      add(1n, "B", 110, 4, { event: day, id: 77 }),
    ];
    const bytes = dbnOf({
      schema: schemaNumbers.mbo,
      mappings: continuous,
      records: records.map((record) => mboRecord(record)),
    });
    const imported = await importToMemory([await folder.file(bytes)], { intervalMs: 0 });
    const frames = [];
    for await (const text of framesOf(imported, tapeOf(imported))) frames.push(JSON.parse(text));
    expect(frames.at(-1)).toMatchObject({ symbol: "ES.c.0", best_bid: 1.1, best_ask: 1.12 });
    expect(tapeOf(imported)).toMatchObject({ book: { crossed: 0 } });
    const rows = await orderRowsOf(imported.store, tapeOf(imported).tape ?? "");
    expect(rows.map(({ action, state }) => `${action} ${state}`)).toEqual([
      ...["clear derived", "add applied", "add applied"],
      ...["clear derived", "add applied", "add applied"],
    ]);
  });

  test("[IM104] levels that overlapped before an auction are back once it is over", async () => {
    const records: Mbo[] = [
      clear,
      add(1n, "B", 100, 5),
      add(2n, "A", 104, 4),
      add(3n, "A", 101, 2),
      add(4n, "B", 103, 1),
      { ...add(4n, "B", 103, 1), action: "C" },
    ];
    const imported = await importToMemory([await folder.file(fileOf(records))], { intervalMs: 0 });
    const frames = [];
    for await (const text of framesOf(imported, tapeOf(imported))) frames.push(JSON.parse(text));
    expect(frames.at(-1)).toMatchObject({ best_bid: 1, best_ask: 1.01, q_ask: 2 });
    expect(tapeOf(imported)).toMatchObject({ book: { crossed: 1 } });
  });

  const step = fc.record({
    kind: fc.constantFrom("A", "A", "A", "M", "C", "C", "T", "R"),
    order: fc.integer({ min: 1, max: 12 }),
    side: fc.constantFrom("A" as const, "B" as const),
    depth: fc.integer({ min: 0, max: 40 }),
    size: fc.integer({ min: 1, max: 9 }),
    last: fc.boolean(),
  });

  test("[IM104] at the end of each event the frame is the sum of the orders that rest", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const { records, books } = market(steps);
        const imported = await importToMemory([await folder.file(fileOf(records), "fuzz.dbn")], { intervalMs: 0 });
        const shown = new Map<number, { bids: unknown; asks: unknown }>();
        for await (const text of framesOf(imported, tapeOf(imported))) {
          const { timestamp, bids, asks } = JSON.parse(text);
          shown.set(nanosOf(timestamp), { bids: solid(bids), asks: solid(asks) });
        }
        for (const [at, levels] of shown) expect([at, levels]).toEqual([at, books.get(at)]);
        for (const [at, levels] of await levelsOfOrders(imported)) expect([at, levels]).toEqual([at, books.get(at)]);
        for (const [at, levels] of books) {
          if (JSON.stringify(levels) !== JSON.stringify(books.get(at - 1))) expect([...shown.keys()]).toContain(at);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** The best 20 levels after each event, from what the event track says that rests of each order. */
async function levelsOfOrders(imported: Imported): Promise<Map<number, { bids: unknown; asks: unknown }>> {
  const resting = new Map<bigint, OrderRow>();
  const after = new Map<number, { bids: unknown; asks: unknown }>();
  for (const row of await orderRowsOf(imported.store, tapeOf(imported).tape ?? "")) {
    if (row.action === "clear") resting.clear();
    else if (row.rest === 0) resting.delete(row.order_id);
    else if (row.rest !== null) resting.set(row.order_id, row);
    const orders = [...resting.values()].map(({ side, price, rest }) => ({ side, price: price ?? 0, size: rest ?? 0 }));
    const of = (side: "bid" | "ask") =>
      bestOf(
        side,
        orders.filter((order) => order.side === side),
      );
    after.set(Number(row.timestamp - startNs), { bids: of("bid"), asks: of("ask") });
  }
  return after;
}

/** The best 20 levels of a side that orders make. */
function bestOf(side: "bid" | "ask", orders: readonly { price: number; size: number }[]): unknown {
  const prices = new Map<number, number>();
  for (const { price, size } of orders) prices.set(price, (prices.get(price) ?? 0) + size);
  return [...prices].sort(([a], [b]) => (side === "bid" ? b - a : a - b)).slice(0, 20);
}

/** Nanoseconds within the second of a timestamp with nine decimals. */
function nanosOf(timestamp: string): number {
  return Number(timestamp.slice(20, 29));
}

function solid(levels: readonly (readonly [number, number])[]): unknown {
  return levels.filter(([, size]) => size > 0);
}

interface Step {
  readonly kind: string;
  readonly order: number;
  readonly side: "A" | "B";
  readonly depth: number;
  readonly size: number;
  readonly last: boolean;
}

/** Records of a market that is never crossed, and the best 20 levels after each event, counted anew from a list of all orders. */
function market(steps: readonly Step[]) {
  const resting = new Map<number, { side: "A" | "B"; price: number; size: number }>();
  const records: Mbo[] = [];
  const books = new Map<number, { bids: unknown; asks: unknown }>();
  const levelsOf = (side: "A" | "B") => {
    const orders = [...resting.values()].filter((order) => order.side === side);
    return bestOf(
      side === "B" ? "bid" : "ask",
      orders.map(({ price, size }) => ({ price: price / 100, size })),
    );
  };
  let event = 0;
  const push = (record: Mbo, last: boolean) => {
    records.push({ event, ...record, flags: last ? flags.last : 0 });
    books.set(event, { bids: levelsOf("B"), asks: levelsOf("A") });
    if (last) event++;
  };
  push(clear, false);
  push(add(101n, "B", 999, 1), false);
  resting.set(101, { side: "B", price: 999, size: 1 }).set(102, { side: "A", price: 1001, size: 1 });
  push(add(102n, "A", 1001, 1), true);
  for (const { kind, order, side, depth, size, last } of steps) {
    const known = resting.get(order);
    const price = side === "B" ? 999 - depth : 1001 + depth;
    if (kind === "R") {
      resting.clear();
      push(clear, last);
    } else if (kind === "T") push({ action: "T", side, price: 1000n * cents, size }, last);
    else if (kind === "C" && known !== undefined) {
      if (size >= known.size) resting.delete(order);
      else resting.set(order, { ...known, size: known.size - size });
      push({ ...add(BigInt(order), known.side, known.price, size), action: "C" }, last);
    } else if (kind === "M" || (kind === "A" && known === undefined)) {
      resting.set(order, { side, price, size });
      push({ ...add(BigInt(order), side, price, size), action: kind }, last);
    }
  }
  return { records, books };
}
