import { afterAll, beforeAll, expect, test } from "vitest";
import { recompute } from "../../../recompute.js";
import { manifestOf, orderRowsOf } from "../../../track/orders/testing.js";
import { TestFolder } from "../../input/testing.js";
import { importToMemory, tapeOf } from "../../test-recordings.js";
import { dbnOf, flags, mboRecord, priceRecord, schemaNumbers, startNs } from "./dbn/testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const mappings = [{ symbol: "ESH4", intervals: [[20240301, 20240302, "5482"] as const] }];
const px = (price: number) => BigInt(price) * 1_000_000_000n;
const large = 2n ** 64n - 2n;

const resting = { flags: flags.snapshot };
const same = { event: 50, flags: 0 };
const records: readonly Parameters<typeof mboRecord>[0][] = [
  { action: "R", event: null, received: 10, ...resting },
  { action: "A", order: 1n, side: "B", price: px(100), size: 5, event: -9, received: 10, ...resting },
  { action: "A", order: large, side: "A", price: px(102), size: 4, event: -8, received: 10, flags: 160, sequence: 3 },
  { action: "T", order: 9n, side: "B", price: px(102), size: 3, ...same, sequence: 4 },
  { action: "T", side: "B", price: px(102), size: 1, ...same },
  { action: "F", order: large, side: "A", price: px(102), size: 3, ...same },
  { action: "C", order: large, side: "A", price: px(102), size: 3, event: 50 },
  { action: "M", order: 1n, side: "B", price: px(101), size: 7, event: 60 },
  // It loses its place, and the level stays as it is.
  { action: "M", order: 1n, side: "B", price: px(101), size: 7, event: 70 },
  { action: "C", order: 8n, side: "B", price: px(90), size: 7, event: 80 },
  { action: "A", side: "B", price: px(101), size: 7, event: 85, flags: flags.last | flags.topOfBook },
  { action: "R", event: 90 },
];

const mbo = async () =>
  importToMemory(
    [
      await folder.file(
        dbnOf({ schema: schemaNumbers.mbo, mappings, records: records.map((record) => mboRecord(record)) }),
      ),
    ],
    { intervalMs: 0 },
  );

test("[ET30] [ET31] the track has what each record says of an order, and what rests of it", async () => {
  const { store, report } = await mbo();
  const rows = await orderRowsOf(store, tapeOf({ report }).tape ?? "");
  const shown = rows.map(({ timestamp, order_id, action, side, price, amount, rest }) => [
    ...[Number(timestamp - startNs), order_id, action, side, price, amount, rest],
  ]);
  expect(shown).toEqual([
    [10, 0n, "clear", null, null, 0, null],
    [-9, 1n, "add", "bid", 100, 5, 5],
    [-8, large, "add", "ask", 102, 4, 4],
    [50, 9n, "trade", "bid", 102, 3, null],
    [50, large, "execute", "ask", 102, 3, 4],
    [50, large, "cancel", "ask", 102, 3, 1],
    [60, 1n, "modify", "bid", 101, 7, 7],
    [70, 1n, "modify", "bid", 101, 7, 7],
    [80, 8n, "cancel", "bid", 90, 7, null],
    [90, 0n, "clear", null, null, 0, null],
  ]);
  const places = rows.map(({ n }) => n);
  // The records of an event of the venue are one event of the track.
  expect(new Set(places.slice(0, 3)).size).toBe(1);
  expect(new Set(places.slice(3, 6)).size).toBe(1);
  expect(new Set(places).size).toBe(6);
  expect(rows[2]).toMatchObject({ local_timestamp: startNs + 10n, sequence: 3n, state: "applied", seq: 0n });
});

test("[ET30] [ET9] a new version has the same orders, and a tape whose source names no orders has no such file", async () => {
  const { store, report } = await mbo();
  const { tape = "" } = tapeOf({ report });
  const again = await recompute(store, tape);
  const [before, after] = [await manifestOf(store, tape), await manifestOf(store, again)];
  expect(after.files.orders).toEqual(before.files.orders);
  expect(after.track).toEqual(before.track);
  expect(before.track).toMatchObject({ orders: 10 });
  expect(await orderRowsOf(store, again)).toEqual(await orderRowsOf(store, tape));

  const levels = { bids: [[px(100), 5] as const], asks: [[px(102), 4] as const] };
  const mbp1 = dbnOf({
    schema: schemaNumbers.mbp1,
    mappings,
    records: [priceRecord({ event: 0, action: "A", side: "B", price: px(100), size: 5, ...levels }, 1)],
  });
  const other = await importToMemory([await folder.file(mbp1)]);
  const { files, track } = await manifestOf(other.store, tapeOf(other).tape ?? "");
  expect([files.orders, track?.orders]).toEqual([undefined, undefined]);
});
