import { gunzipSync } from "node:zlib";
import { tableFromIPC } from "apache-arrow";
import { parse } from "csv-parse/sync";
import { parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";
import { describe, expect, test } from "vitest";
import { encodeRows } from "./formats.js";
import type { RowSource } from "./row-source.js";
import { wholeFile } from "./testing.js";
import { decimalText } from "./text-formats.js";

const at = 1_723_161_255_408_000_000n;

/** Each kind of column, with and without values, in two batches. */
const source: RowSource = {
  columns: [
    { name: "label", kind: "text" },
    { name: "at", kind: "time", encoding: "differences" },
    { name: "price", kind: { decimals: 3 } },
    { name: "count", kind: "number", optional: true },
    { name: "ratio", kind: "float", optional: true },
    { name: "yes", kind: "flag" },
    { name: "list", kind: "json", optional: true },
  ],
  timeDecimals: 3,
  async *batches() {
    yield {
      rows: 2,
      done: 0.5,
      values: {
        label: ["plain", 'a "quoted",\nline'],
        at: BigInt64Array.of(at, at + 1n),
        price: BigInt64Array.of(28_140_100n, -5n),
        count: [9_007_199_254_740_993n, undefined],
        ratio: [0.1, undefined],
        yes: [true, false],
        list: ['[{"a":1}]', undefined],
      },
    };
    yield {
      rows: 1,
      done: 1,
      values: {
        label: ["é"],
        at: BigInt64Array.of(at + 1_000n),
        price: BigInt64Array.of(0n),
        count: [-1n],
        ratio: [1e-7],
        yes: [true],
        list: ["[]"],
      },
    };
  },
};

test("[EX7] CSV: a header, exact decimals and times, empty where there is no value, quotes where they are needed", async () => {
  const text = (await wholeFile(encodeRows(source, "csv"))).toString();
  expect(text.split("\n")[0]).toBe("label,at,price,count,ratio,yes,list");
  const rows: string[][] = parse(text, { fromLine: 2 });
  expect(rows).toEqual([
    ["plain", "2024-08-08T23:54:15.408Z", "28140.1", "9007199254740993", "0.1", "true", '[{"a":1}]'],
    ['a "quoted",\nline', "2024-08-08T23:54:15.408000001Z", "-0.005", "", "", "false", ""],
    ["é", "2024-08-08T23:54:15.408001Z", "0", "-1", "1e-7", "true", "[]"],
  ]);
});

test("[EX7] NDJSON: an object a line, whose numbers have all their digits and whose lists are lists", async () => {
  const lines = (await wholeFile(encodeRows(source, "ndjson"))).toString().trimEnd().split("\n");
  expect(lines[0]).toBe(
    '{"label":"plain","at":"2024-08-08T23:54:15.408Z","price":28140.1,"count":9007199254740993,"ratio":0.1,"yes":true,"list":[{"a":1}]}',
  );
  expect(JSON.parse(lines[1] ?? "")).toEqual({
    label: 'a "quoted",\nline',
    at: "2024-08-08T23:54:15.408000001Z",
    price: -0.005,
    count: null,
    ratio: null,
    yes: false,
    list: null,
  });
  expect(lines).toHaveLength(3);
});

test("[EX7] Parquet: a row group for each batch, with decimals, times in nanoseconds and missing values", async () => {
  const bytes = await wholeFile(encodeRows(source, "parquet"));
  const file = new Uint8Array(bytes).buffer;
  const compressors = { GZIP: (packed: Uint8Array) => gunzipSync(packed) };
  const parsers = { timestampFromNanoseconds: (ns: bigint) => ns };
  expect(await parquetReadObjects({ file, compressors, parsers })).toEqual([
    {
      label: "plain",
      at,
      price: expect.closeTo(28_140.1, 9),
      count: 9_007_199_254_740_993n,
      ratio: 0.1,
      yes: true,
      list: '[{"a":1}]',
    },
    { label: 'a "quoted",\nline', at: at + 1n, price: -0.005, count: null, ratio: null, yes: false, list: null },
    { label: "é", at: at + 1_000n, price: 0, count: -1n, ratio: 1e-7, yes: true, list: "[]" },
  ]);
  const metadata = parquetMetadata(file);
  expect(metadata.row_groups.map(({ num_rows }) => num_rows)).toEqual([2n, 1n]);
  const price = parquetSchema(metadata).children.find(({ element }) => element.name === "price");
  expect(price?.element).toMatchObject({ type: "INT64", converted_type: "DECIMAL", scale: 3, precision: 18 });
});

test("[EX7] Arrow: a record batch for each batch, with decimals of 128 bits, times in nanoseconds and missing values", async () => {
  const table = tableFromIPC(await wholeFile(encodeRows(source, "arrow")));
  expect(table.schema.fields.map(({ name, type, nullable }) => `${name} ${type} ${nullable}`)).toEqual([
    "label Utf8 false",
    "at Timestamp<NANOSECOND, UTC> false",
    expect.stringMatching(/^price Decimal\[18e\+3\] false$/),
    "count Int64 true",
    "ratio Float64 true",
    "yes Bool false",
    "list Utf8 true",
  ]);
  expect(table.batches.map(({ numRows }) => numRows)).toEqual([2, 1]);
  const column = (name: string) => [...(table.getChild(name) ?? [])];
  expect(column("label")).toEqual(["plain", 'a "quoted",\nline', "é"]);
  expect(column("count")).toEqual([9_007_199_254_740_993n, null, -1n]);
  expect(column("ratio")).toEqual([0.1, null, 1e-7]);
  expect(column("yes")).toEqual([true, false, true]);
  expect(column("list")).toEqual(['[{"a":1}]', null, "[]"]);
  const stored = (name: string) =>
    (table.getChild(name)?.data ?? []).flatMap(({ values, length }) => {
      const { buffer, byteOffset, byteLength } = values;
      const halves = [...new BigInt64Array(buffer.slice(byteOffset, byteOffset + byteLength))];
      return halves.slice(0, length * (name === "price" ? 2 : 1));
    });
  expect(stored("at")).toEqual([at, at + 1n, at + 1_000n]);
  expect(stored("price")).toEqual([28_140_100n, 0n, -5n, -1n, 0n, 0n]);
});

describe("a tape without rows", () => {
  const empty: RowSource = { ...source, async *batches() {} };

  test("[EX7] has a header or a schema in each format", async () => {
    expect((await wholeFile(encodeRows(empty, "csv"))).toString()).toBe("label,at,price,count,ratio,yes,list\n");
    expect((await wholeFile(encodeRows(empty, "ndjson"))).toString()).toBe("");
    const parquet = new Uint8Array(await wholeFile(encodeRows(empty, "parquet"))).buffer;
    expect(parquetMetadata(parquet)).toMatchObject({ num_rows: 0n });
    expect(parquetSchema(parquetMetadata(parquet)).children).toHaveLength(7);
    const table = tableFromIPC(await wholeFile(encodeRows(empty, "arrow")));
    expect([table.numRows, table.numCols]).toEqual([0, 7]);
  });
});

test("[EX9] a batch is read when the bytes of the one before have been taken", async () => {
  for (const format of ["parquet", "csv", "ndjson", "arrow"] as const) {
    let read = 0;
    const endless: RowSource = {
      columns: [{ name: "count", kind: "number" }],
      timeDecimals: 3,
      async *batches() {
        for (;;) yield { rows: 1_000, done: 0, values: { count: new BigInt64Array(1_000).fill(BigInt(read++)) } };
      },
    };
    let taken = 0;
    for await (const chunk of encodeRows(endless, format)) {
      if (chunk.length > 0) taken++;
      expect(read).toBeLessThanOrEqual(taken + 1);
      if (taken === 50) break;
    }
    expect(taken).toBe(50);
  }
});

test("[EX7] a decimal has all its digits and no zeros at its end", () => {
  const cases: [units: bigint, decimals: number, text: string][] = [
    [0n, 0, "0"],
    [0n, 8, "0"],
    [1n, 8, "0.00000001"],
    [100_000_000n, 8, "1"],
    [123_450n, 2, "1234.5"],
    [-123_456n, 2, "-1234.56"],
    [999_999_999_999_999_999n, 18, "0.999999999999999999"],
    [120n, 0, "120"],
  ];
  for (const [units, decimals, text] of cases) expect(decimalText(units, decimals)).toBe(text);
});
