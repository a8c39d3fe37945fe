import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import { deltaBinaryPack } from "hyparquet-writer/src/delta.js";
import { describe, expect, test } from "vitest";
import { type Column, ParquetFile } from "../parquet-file.js";
import { offsetsOf, type TypedValues } from "./column-values.js";
import { maxSpread, packDifferences } from "./differences.js";

const compressors = { GZIP: (bytes: Uint8Array) => gunzipSync(bytes) };
const parsers = { timestampFromNanoseconds: (ns: bigint) => ns };

/** Whole numbers whose differences take any number of bits, with runs of equal ones. */
const wholes = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 51 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 40 })), {
    minLength: 1,
    maxLength: 60,
  })
  .map((parts) =>
    parts.flatMap(([bits, share, times]) => new Array<number>(times + 1).fill(Math.floor(share * 2 ** bits))),
  );

test("[ET1] differences are packed as hyparquet-writer packs them, whatever their size", () => {
  fc.assert(
    fc.property(wholes, fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (values, base) => {
      const [ours, theirs] = [new ByteWriter(), new ByteWriter()];
      packDifferences(ours, base, Float64Array.from(values));
      deltaBinaryPack(
        theirs,
        values.map((value) => base + BigInt(value)),
        "INT64",
      );
      expect(ours.getBytes()).toEqual(theirs.getBytes());
    }),
    { numRuns: 500 },
  );
});

describe("a column of typed values", () => {
  /** What a reader gets of a column that is written alone. */
  async function readBack(column: Omit<Column, "name">, ...groups: TypedValues[]): Promise<unknown[]> {
    const file = new ParquetFile([{ name: "it", ...column }]);
    for (const it of groups) file.addTyped({ it });
    file.finish();
    const { buffer, byteLength } = new Uint8Array(file.take());
    const slice = async (start: number, end = byteLength) => buffer.slice(start, end);
    const rows = await parquetReadObjects({ file: { byteLength, slice }, compressors, parsers });
    return rows.map(({ it }) => it);
  }
  const bigints = (values: readonly number[]) => values.map((value) => (Number.isNaN(value) ? null : BigInt(value)));
  const many = Array.from({ length: 3_000 }, (_, at) => (at % 7 === 0 ? -at * 1e9 : at % 40));
  const distinct = Array.from({ length: 3_000 }, (_, at) => (at - 1_500) * 3_000_000_007);
  const gaps = many.map((value, at) => (at % 5 < 2 ? Number.NaN : value));

  test.each([
    ["differences", { kind: "number", encoding: "differences" }, many],
    ["a dictionary", { kind: "number" }, many.map((value) => value % 100)],
    ["distinct values", { kind: "number" }, distinct],
    ["values that some rows lack", { kind: "number", encoding: "differences", optional: true }, gaps],
    ["a dictionary of values that some rows lack", { kind: "number", optional: true }, gaps],
    ["values that no row has", { kind: "number", encoding: "differences", optional: true }, gaps.map(() => Number.NaN)],
    ["one value", { kind: "number", encoding: "differences" }, [7]],
    ["values too far apart", { kind: "number", encoding: "differences" }, [-maxSpread, maxSpread, 0]],
  ] as const)("[ET1] of numbers is read as it was written: %s", async (_name, column, values) => {
    expect(await readBack(column, Float64Array.from(values))).toEqual(bigints(values));
  });

  test("[ET1] of times is read to the nanosecond, however far they are apart", async () => {
    const time = { kind: "time", encoding: "differences" } as const;
    const near = Array.from({ length: 500 }, (_, at) => 1_680_652_700_435_123_457n + BigInt(at * at));
    const offsets = offsetsOf(near);
    expect(offsets && (await readBack(time, offsets))).toEqual(near);
    const far = [0n, 1_680_652_700_435_123_457n, 1n];
    expect(offsetsOf(far)).toBeUndefined();
    expect(await readBack(time, BigInt64Array.from(far))).toEqual(far);
  });

  test("[ET1] of decimals, flags and texts is read as it was written, over several row groups", async () => {
    const decimals = await readBack({ kind: { decimals: 2 } }, Float64Array.of(281_450, 5), Float64Array.of(-1));
    // The reader multiplies decimals, which leaves float noise.
    expect(decimals.map((value) => Number(Number(value).toPrecision(15)))).toEqual([2814.5, 0.05, -0.01]);
    expect(await readBack({ kind: "flag" }, Uint8Array.of(1, 0, 0), new Uint8Array(30))).toEqual([
      true,
      ...new Array<boolean>(32).fill(false),
    ]);
    const coded = { codes: Uint8Array.of(2, 0, 2, 2), texts: ["bid", "ask", "né"] };
    expect(await readBack({ kind: "text" }, coded, ["a", "", "a", "a", "a", "a"])).toEqual([
      ...["né", "bid", "né", "né"],
      ...["a", "", "a", "a", "a", "a"],
    ]);
  });

  test("[ET1] a row without a value that must have one is refused", async () => {
    await expect(readBack({ kind: "number" }, Float64Array.of(1, Number.NaN))).rejects.toThrow("a row has no it");
  });
});
