import { tableFromIPC } from "apache-arrow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeRows, exportRows } from "../../../export/index.js";
import { rowsOf, wholeFile } from "../../../export/testing.js";
import { recompute } from "../../../recompute.js";
import type { Tape } from "../../../tape.js";
import { TapeCatalog } from "../../../tape-catalog.js";
import { manifestOf, orderRowsIn, orderRowsOf } from "../../../track/orders/testing.js";
import { TestFolder } from "../../input/testing.js";
import { type Imported, importToMemory, tapeOf } from "../../test-recordings.js";
import { dbnOf, flags, mboRecord, priceRecord, schemaNumbers, startNs } from "./dbn/testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

function opened({ store, report }: Imported): Promise<Tape> {
  return new TapeCatalog(store, { cacheBytes: 8 << 20 }).open(tapeOf({ report }).tape ?? "");
}

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

/** A recording of levels only. */
async function mbp1() {
  const levels = { bids: [[px(100), 5] as const], asks: [[px(102), 4] as const] };
  const record = priceRecord({ event: 0, action: "A", side: "B", price: px(100), size: 5, ...levels }, 1);
  return importToMemory([await folder.file(dbnOf({ schema: schemaNumbers.mbp1, mappings, records: [record] }))]);
}

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

  const other = await mbp1();
  const { files, track } = await manifestOf(other.store, tapeOf(other).tape ?? "");
  expect([files.orders, track?.orders]).toEqual([undefined, undefined]);
});

test("[EX1] [EX2] exported orders are the rows of the file, in its columns, whole or those of some frames", async () => {
  const imported = await mbo();
  const tape = await opened(imported);
  const written = await orderRowsOf(imported.store, tape.id);
  const file = await wholeFile(encodeRows(await exportRows(tape, "orders"), "parquet"));
  expect(await orderRowsIn(file)).toEqual(written);
  for (const [from, to] of [
    [0, 0],
    [1, 3],
    [2, 99],
  ] as const) {
    const part = await rowsOf(await exportRows(tape, "orders", { from: { seq: from }, to: { seq: to } }));
    const expected = written.filter(({ seq }) => seq >= from && seq <= to && seq <= tape.span.lastSeq);
    expect(part.map(({ n, order_id, seq }) => [n, order_id, seq])).toEqual(
      expected.map(({ n, order_id, seq }) => [n, order_id, seq]),
    );
  }
  const text = async (format: "csv" | "ndjson") =>
    String(await wholeFile(encodeRows(await exportRows(tape, "orders"), format)));
  expect((await text("csv")).split("\n")[3]).toContain(`,${large},add,ask,102,4,4,`);
  expect((await text("ndjson")).split("\n")[2]).toContain(`"order_id":${large},"action":"add"`);
  const table = tableFromIPC(await wholeFile(encodeRows(await exportRows(tape, "orders"), "arrow")));
  expect([...(table.getChild("order_id") ?? [])]).toEqual(written.map(({ order_id }) => order_id));
});

test("[EX2] orders of a tape whose source says levels only are refused, and the message says why", async () => {
  const tape = await opened(await mbp1());
  await expect(exportRows(tape, "orders")).rejects.toThrow(
    /^Tape \S+ has no orders: its source does not say what happens to each order\.$/,
  );
});
