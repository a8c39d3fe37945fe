import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifestOf } from "../../../../track/orders/testing.js";
import type { SourceEvent } from "../../../events/source-event.js";
import { TestFolder, zipOf, zstdOf } from "../../../input/testing.js";
import { eventsOf, importToMemory, tapeOf } from "../../../test-recordings.js";
import {
  type DbnContents,
  dbnOf,
  flags,
  mboRecord,
  priceRecord,
  schemaNumbers,
  startNs,
  symbolMappingRecord,
  systemRecord,
} from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const mapped = { symbol: "ESH4", intervals: [[20240301, 20240302, "5482"]] } as const;
const px = (price: number) => BigInt(Math.round(price * 1e4)) * 100_000n;

const bids = [[px(5100.25), 10] as const, [px(5100), 40] as const];
const asks = [[px(5100.5), 12] as const, undefined];

async function eventsIn(contents: DbnContents): Promise<SourceEvent[]> {
  const events = [];
  for await (const event of eventsOf([await folder.file(dbnOf(contents))])) events.push(event);
  return events;
}

const kinds = [1, 2, 3].flatMap((version) => ["plain", "zstd", "zip"].map((packing) => ({ version, packing })));

describe("Databento's binary encoding", () => {
  test.each(kinds)("[IM103] version $version, $packing, is read as the CSV is", async ({ version, packing }) => {
    const bytes = dbnOf({
      version: version === 1 ? 1 : version === 2 ? 2 : 3,
      schema: schemaNumbers.mbp10,
      mappings: [mapped],
      records: [
        priceRecord({ event: 0, action: "A", side: "B", price: px(5100), size: 40, bids, asks, sequence: 7 }, 10),
        priceRecord({ event: 5e7, action: "T", side: "B", price: px(5100.5), size: 3, bids, asks, sequence: 9 }, 10),
      ],
    });
    const packed = packing === "plain" ? bytes : packing === "zstd" ? zstdOf(bytes) : zipOf({ "a.dbn": bytes });
    const { report } = await importToMemory([await folder.file(packed)], { intervalMs: 0 });
    expect(report).toMatchObject({ formats: ["databento"], lines: 2, brokenLines: { count: 0 }, notices: [] });
    expect(tapeOf({ report })).toMatchObject({
      tape: "esh4-cme-20240301@1",
      symbol: "ESH4",
      source: "CME",
      from: "2024-03-01T14:30:00.000000000Z",
      to: "2024-03-01T14:30:00.050000000Z",
      frames: 2,
      trades: 1,
    });
  });

  test("[IM103] the book after a record is its levels, of which those without a price do not exist", async () => {
    const book = { bids, asks, side: "A", size: 2 };
    const records = [
      priceRecord({ event: 1, action: "A", price: px(5100.5), ...book, sequence: 4_294_967_295 }, 1),
      priceRecord({ event: 2, action: "T", price: px(5100.25), ...book, flags: 0 }, 1),
      priceRecord({ event: 3, action: "T", price: px(5100.25), ...book, side: "N", asks: [] }, 1),
    ];
    const events = await eventsIn({ schema: schemaNumbers.mbp1, mappings: [mapped], records });
    expect(events).toMatchObject([
      { kind: "snapshot", ns: startNs + 1n, receivedNs: startNs + 200_001n, sequence: 4_294_967_295, trades: [] },
      { bids: [[5100.25, 10]], asks: [[5100.5, 12]], trades: [{ price: 5100.25, size: 2, side: "sell" }] },
      { bids: [[5100.25, 10]], asks: [], trades: [{ side: "unknown" }] },
    ]);
    expect(await eventsIn({ schema: schemaNumbers.tbbo, mappings: [mapped], records })).toEqual(events);
  });

  test("[IM111] consolidated best prices are books of one level, and the track says so", async () => {
    const levels = { bids, asks, side: "A", size: 2 };
    const records = (kind: number, actions: readonly string[]) =>
      actions.map((action, n) => priceRecord({ event: n, action, price: px(5100.25), ...levels }, 1, kind));
    const cmbp1 = { schema: schemaNumbers.cmbp1, mappings: [mapped], records: records(0xb1, ["A", "T"]) };
    expect(await eventsIn(cmbp1)).toMatchObject([
      { kind: "snapshot", ns: startNs, sequence: undefined, depth: 1, bids: [[5100.25, 10]], trades: [] },
      { kind: "snapshot", ns: startNs + 1n, trades: [{ price: 5100.25, size: 2, side: "sell" }] },
    ]);
    const tcbbo = { schema: schemaNumbers.tcbbo, mappings: [mapped], records: records(0xc2, ["T"]) };
    expect(await eventsIn(tcbbo)).toMatchObject([{ trades: [{ price: 5100.25 }] }]);
    const { store, report } = await importToMemory([await folder.file(dbnOf(cmbp1))]);
    expect((await manifestOf(store, tapeOf({ report }).tape ?? "")).track).toMatchObject({ depth: 1 });
  });

  test("[IM111] best prices of each second have the time of the second; trades beside them are kept", async () => {
    const records = [0, 1, 2].map((n) => {
      // The last trade and its time are no event of the book.
      const sample = { action: "\0", side: "A", size: 2, price: px(5100.25), event: -5e9, received: (n + 1) * 1e9 };
      const best = { bids: [[px(5100 + n / 4), 10] as const], asks: [[px(5101), 12] as const] };
      return priceRecord({ ...sample, ...best, sequence: n + 7 }, 1, 0xc3);
    });
    const bbo = dbnOf({ schema: schemaNumbers.bbo1s, mappings: [mapped], records });
    const sold = priceRecord({ event: 15e8, action: "T", side: "A", price: px(5100.25), size: 4 }, 0);
    const trades = dbnOf({ schema: schemaNumbers.trades, mappings: [mapped], records: [sold] });
    const { report } = await importToMemory([await folder.file(bbo), await folder.file(trades)], { intervalMs: 0 });
    expect(tapeOf({ report })).toMatchObject({ from: "2024-03-01T14:30:01.000000000Z", bookUpdates: 3, trades: 1 });
    expect(await eventsIn({ schema: schemaNumbers.bbo1s, mappings: [mapped], records })).toMatchObject([
      { sequence: 7, depth: 1, trades: [] },
      { sequence: 8 },
      { sequence: 9 },
    ]);
    const minutes = await folder.file(dbnOf({ schema: schemaNumbers.bbo1m, records: [] }), "m.dbn");
    await expect(importToMemory([minutes])).rejects.toThrow(
      "m.dbn is a DBN file of the schema bbo-1m, whose books are a minute apart: ask Databento for bbo-1s or mbp-1 instead.",
    );
  });

  test("[IM103] trades have no book, and prices are exact to the billionth", async () => {
    const prices = [1n, -37_630_000_000n, 123_456_123_456_789n, 999_999_999_999_999n, -1n];
    const records = prices.map((price, n) => priceRecord({ event: n, action: "T", side: "A", price, size: 1 }, 0));
    const events = await eventsIn({ schema: schemaNumbers.trades, mappings: [mapped], records });
    expect(events.map((event) => event.kind === "trade" && event.price)).toEqual([
      0.000000001, -37.63, 123456.123456789, 999999.999999999, -0.000000001,
    ]);
  });

  test("[IM103] a record's name is that of its day, and an id without one is its name", async () => {
    const day = 86_400 * 1e9;
    const records = [0, 0.5 * day, day, 2 * day].map((event) =>
      priceRecord({ event, action: "A", side: "B", price: px(5100), size: 1, bids, asks }, 1),
    );
    const mappings = [
      { symbol: "ESH4", intervals: [[20240301, 20240302, "5482"] as const] },
      { symbol: "ESM4", intervals: [[20240302, 20240303, "5482"] as const, [20240302, 20240303, "77"] as const] },
    ];
    const names = (events: readonly SourceEvent[]) => events.map(({ instrument }) => instrument.symbol);
    expect(names(await eventsIn({ schema: 1, mappings, records }))).toEqual(["ESH4", "ESM4", "ESM4", "5482"]);
    const asked = { symbol: "5482", intervals: [[20240301, 20240303, "ESH4"] as const] };
    const inverse = { schema: 1, mappings: [asked], symbology: [0, 1] as const, records };
    expect(names(await eventsIn(inverse))).toEqual(["ESH4", "ESH4", "ESH4", "5482"]);
    const unrelated = { ...inverse, symbology: [3, 1] as const };
    expect(names(await eventsIn(unrelated))).toEqual(["5482", "5482", "5482", "5482"]);
  });

  test.each([1, 2, 3] as const)("[IM103] a recording of the live feed, version %i, names itself", async (version) => {
    const record = { action: "A", side: "B", price: px(5100), size: 1, bids, asks };
    const records = [
      systemRecord(),
      symbolMappingRecord(version, 5482, "ESH4"),
      priceRecord({ event: 1, ...record }, 10),
      priceRecord({ event: 1, ...record }, 0),
      withSendTime(priceRecord({ event: 2, ...record }, 10)),
    ];
    const path = await folder.file(dbnOf({ version, schema: undefined, records }));
    const { report } = await importToMemory([path]);
    expect(report).toMatchObject({ lines: 5, ignoredLines: { "record of another kind": 2 } });
    expect(tapeOf({ report })).toMatchObject({ symbol: "ESH4", bookUpdates: 2, trades: 0 });
  });

  test("[IM103] each instrument becomes a tape, --symbol chooses one, and the refusal of another lists them", async () => {
    const record = { action: "A", side: "B", price: px(5100), size: 1, bids, asks };
    const records = Array.from({ length: 20 }, (_, n) => priceRecord({ event: n, id: 1 + (n % 2), ...record }, 1));
    const mappings = ["ESH4", "NQH4"].map((symbol, n) => ({
      symbol,
      intervals: [[20240301, 20240302, `${n + 1}`] as const],
    }));
    const path = await folder.file(dbnOf({ schema: schemaNumbers.mbp1, mappings, records }), "two.dbn");
    const tapes = async (options = {}) => (await importToMemory([path], options)).report.tapes.map(({ tape }) => tape);
    expect(await tapes()).toEqual(["esh4-cme-20240301@1", "nqh4-cme-20240301@1"]);
    expect(await tapes({ symbol: "nqh4" })).toEqual(["nqh4-cme-20240301@1"]);
    await expect(tapes({ symbol: "CLH4" })).rejects.toThrow("two.dbn does not contain CLH4; it contains ESH4, NQH4.");
  });

  test("[IM107] a file with more than 100 instruments is refused with names to choose from", async () => {
    const record = { action: "A", side: "B", price: px(5100), size: 1, bids, asks };
    const all = Array.from({ length: 101 }, (_, n) => n + 1);
    const records = all.map((id) => priceRecord({ event: id, id, ...record }, 1));
    const mappings = all.map((id) => ({ symbol: `S${id}`, intervals: [[20240301, 20240302, `${id}`] as const] }));
    const path = await folder.file(dbnOf({ schema: schemaNumbers.mbp1, mappings, records }), "all.dbn");
    await expect(importToMemory([path])).rejects.toThrow(
      /^all.dbn has more than 100 instruments: choose one with --symbol. It has S1, S10, S100, S11, .* and 70 more.$/,
    );
    expect(tapeOf(await importToMemory([path], { symbol: "S7" }))).toMatchObject({ symbol: "S7" });
    await expect(importToMemory([path], { symbol: "X" })).rejects.toThrow(
      /^all.dbn does not contain X; .* and 71 more.$/,
    );
  });

  test("[IM103] files of a poorer schema, other schemas and versions are named", async () => {
    const records = [priceRecord({ event: 0, action: "T", side: "A", price: px(5100), size: 1, bids, asks }, 1)];
    const tbbo = await folder.file(dbnOf({ schema: schemaNumbers.tbbo, mappings: [mapped], records }), "tbbo.dbn");
    const mbp1 = await folder.file(dbnOf({ schema: schemaNumbers.mbp1, mappings: [mapped], records }), "mbp-1.dbn");
    const { report } = await importToMemory([tbbo, mbp1]);
    expect(report.notices).toEqual([
      expect.stringMatching(/^tbbo.dbn was left out: it is tbbo, and other files are mbp-1/),
    ]);
    const bars = dbnOf({ schema: schemaNumbers.ohlcv1d, records: [] });
    const newer = Buffer.from(dbnOf({ schema: 1, records }));
    newer[3] = 4;
    const refused = [
      [
        bars,
        "is a DBN file of the schema ohlcv-1d: mbo, mbp-10, mbp-1, cmbp-1, tbbo, tcbbo, bbo-1s, cbbo-1s and trades are accepted.",
      ],
      [newer, "is a DBN file of version 4; versions 1 to 3 are known."],
      [
        dbnOf({ schema: undefined, records: [] }),
        "is a DBN file that names no schema and does not begin with market data.",
      ],
      [bars.subarray(0, 20), "is a DBN file that ends within its metadata."],
    ] as const;
    for (const [bytes, reason] of refused) {
      await expect(importToMemory([await folder.file(bytes, "a.dbn")])).rejects.toThrow(`a.dbn ${reason}`);
    }
  });

  test("[IM105] flags that say that the data is inaccurate are in the report, once for each file", async () => {
    const record = { action: "A", side: "B", price: px(5100), size: 1, bids, asks };
    const doubtful = flags.last | flags.badReceiveTime | flags.maybeBadBook;
    const records = [1, 2, 3].map((event) => priceRecord({ event, ...record, flags: doubtful }, 1));
    const path = await folder.file(dbnOf({ schema: 1, mappings: [mapped], records }), "doubtful.dbn");
    const { report } = await importToMemory([path]);
    expect(report.notices).toEqual([
      "doubtful.dbn: its flags say that messages of the venue were lost (F_MAYBE_BAD_BOOK), so its book may be wrong there.",
      "doubtful.dbn: its flags say that some receive times are inaccurate (F_BAD_TS_RECV).",
    ]);
  });

  test("[IM105] without the venue's time a record has its receive time, and one without any is broken", async () => {
    const record = { action: "A", side: "B", price: px(5100), size: 1, bids, asks };
    const records = [
      priceRecord({ event: null, received: 70, ...record }, 1),
      priceRecord({ event: 80, received: null, ...record }, 1),
      priceRecord({ event: null, received: null, ...record }, 1),
      priceRecord({ event: 90, ...record, action: "X" }, 1),
      priceRecord({ event: 91, ...record, side: "S" }, 1),
      priceRecord({ event: 92, ...record, size: 4_294_967_295 }, 1),
      priceRecord({ event: 93, ...record, action: "T", price: undefined }, 1),
    ];
    const path = await folder.file(dbnOf({ schema: 1, mappings: [mapped], records }), "broken.dbn");
    const { report } = await importToMemory([path], { intervalMs: 0 });
    expect(tapeOf({ report })).toMatchObject({ from: "2024-03-01T14:30:00.000000070Z", bookUpdates: 1 });
    expect(report.brokenLines.first.map(({ line, reason }) => [line, reason])).toEqual([
      [3, "it has neither ts_event nor ts_recv"],
      [4, 'the action "X" is none of A, C, M, R, T, F, N'],
      [5, 'the side "S" is none of A, B, N'],
      [6, "it has no size"],
      [7, "a trade has no price"],
    ]);
    await expect(importToMemory([path], { strict: true })).rejects.toThrow(
      /broken.dbn, line 3: .* Nothing was imported/,
    );
  });

  test("[IM106] a file that is cut short anywhere makes no tape, and a partial one with --keep-partial", async () => {
    const order = { action: "A", size: 1 };
    const records = Array.from({ length: 6 }, (_, n) =>
      mboRecord({ event: n * 1e8, order: BigInt(n), side: n % 2 ? "A" : "B", price: px(5100 + (n % 2)), ...order }),
    );
    const whole = dbnOf({ schema: schemaNumbers.mbo, mappings: [mapped], records });
    const metadata = whole.length - 6 * 56;
    for (let length = 26; length < whole.length; length += 13) {
      if (length >= metadata && (length - metadata) % 56 === 0) continue;
      const path = await folder.file(whole.subarray(0, length), "cut.dbn");
      const before = Math.max(0, Math.floor((length - metadata) / 56));
      const reason = length < metadata ? "the metadata ends in the middle" : "the next record ends in the middle";
      await expect(importToMemory([path])).rejects.toThrow(new RegExp(`^\\S*cut.dbn cannot .*${reason}`));
      if (before < 2) continue;
      const { report } = await importToMemory([path], { keepPartial: true });
      expect(report.cutShort).toMatchObject([{ line: before, reason }]);
      expect(tapeOf({ report })).toMatchObject({ bookUpdates: before });
    }
  });

  test("[IM106] damaged metadata and records of impossible length are refused", async () => {
    const records = [mboRecord({ order: 1n, action: "A", side: "B", price: px(5100), size: 1 })];
    const asked = [mboRecord({ event: 1, order: 2n, action: "A", side: "A", price: px(5101), size: 1 })];
    const good = Buffer.from(dbnOf({ schema: schemaNumbers.mbo, mappings: [mapped], records }));
    const changed = (at: number, value: number) => {
      const bytes = Buffer.from(good);
      bytes.writeUInt32LE(value, at);
      return bytes;
    };
    const first = good.length - 56;
    const damaged = [
      [changed(4, 40), "the metadata is damaged: it says that it has 40 bytes"],
      [changed(4, 0xffffffff), "the metadata is damaged: it says that it has 4294967295 bytes"],
      [changed(112, 1_000_000), "the metadata is damaged: it is shorter than its contents"],
      [changed(first, 3), "the next record says that it has 12 bytes"],
      [Buffer.concat([good, Buffer.alloc(3)]), "the next record says that it has 0 bytes"],
    ] as const;
    for (const [bytes, reason] of damaged) {
      await expect(importToMemory([await folder.file(bytes)])).rejects.toThrow(reason);
    }
    const short = Buffer.from(good.subarray(first, -4));
    short[0] = 13;
    const lines = dbnOf({ schema: schemaNumbers.mbo, mappings: [mapped], records: [...records, short, ...asked] });
    const { report } = await importToMemory([await folder.file(lines)]);
    expect(report.brokenLines.first).toMatchObject([{ line: 2, reason: "it has 52 bytes instead of 56" }]);
    expect(tapeOf({ report })).toMatchObject({ bookUpdates: 2 });
  });
});

/** A record of a recording of the live feed that has the time at which it was sent. */
function withSendTime(record: Uint8Array): Uint8Array {
  const longer = Buffer.concat([record, Buffer.alloc(8)]);
  longer[0] = longer.length / 4;
  return longer;
}
