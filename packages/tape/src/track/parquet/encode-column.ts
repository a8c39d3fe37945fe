import type { Encoding } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import { deltaBinaryPack } from "hyparquet-writer/src/delta.js";
import { writeRleBitPackedHybrid } from "hyparquet-writer/src/encoding.js";
import { writePlain } from "hyparquet-writer/src/plain.js";
import type { CodedTexts, ColumnForm, Offsets, TypedValues } from "./column-values.js";
import { maxSpread, packDifferences } from "./differences.js";

/** The values of one column of a row group, before they are compressed. */
export interface EncodedColumn {
  readonly rows: number;
  /** Which rows have a value; empty if all must have one. */
  readonly levels: Uint8Array;
  readonly absent: number;
  readonly encoding: Encoding;
  readonly values: Uint8Array;
  readonly dictionary?: Dictionary | undefined;
  /** The lowest and highest value of a column of numbers; undefined without a value. */
  readonly limits?: { readonly least: bigint; readonly most: bigint } | undefined;
}

interface Dictionary {
  readonly count: number;
  readonly values: Uint8Array;
}

/** Bytes that most columns of a row group take at least. */
const pageBytes = 1 << 16;

/** Encodes the values of a column as they are in a page. Throws `TypeError` if a row has none that must have one. */
export function encodeColumn(column: ColumnForm, values: TypedValues): EncodedColumn {
  if (values instanceof Uint8Array) return encodeFlags(values);
  if (values instanceof BigInt64Array) return encodeLarge(column, values);
  if (values instanceof Float64Array) return encodeNumbers(column, { base: 0n, offsets: values });
  if ("offsets" in values) return encodeNumbers(column, values);
  return "codes" in values ? encodeCodedTexts(values) : encodeTexts(values);
}

function encodeFlags(flags: Uint8Array): EncodedColumn {
  const runs = new ByteWriter();
  writeRleBitPackedHybrid(runs, Uint32Array.from(flags), 1);
  const page = new ByteWriter(runs.offset + 4);
  page.appendUint32(runs.offset);
  page.appendBytes(runs.getBytes());
  return { ...allOf(flags.length), encoding: "RLE", values: page.getBytes() };
}

function encodeCodedTexts({ codes, texts }: CodedTexts): EncodedColumn {
  const { indexes, distinct } = indexedCodes(codes);
  const dictionary = { count: distinct.length, values: plainTexts(distinct.map((code) => texts[code] ?? "")) };
  return { ...allOf(codes.length), ...indexPage(indexes, distinct.length), dictionary };
}

function encodeTexts(texts: readonly string[]): EncodedColumn {
  const plain = plainTexts(texts);
  const found = indexed(texts, texts.length);
  const dictionary = found && { count: found.distinct.length, values: plainTexts(found.distinct) };
  if (found && dictionary && pays(dictionary, texts.length, plain.length)) {
    return { ...allOf(texts.length), ...indexPage(found.indexes, dictionary.count), dictionary };
  }
  return { ...allOf(texts.length), encoding: "PLAIN", values: plain };
}

function encodeNumbers(column: ColumnForm, { base, offsets }: Offsets): EncodedColumn {
  const { absent, least, most } = extentOf(offsets);
  const which = presenceOf(column, offsets, absent);
  const present = absent === 0 ? offsets : offsets.filter((value) => !Number.isNaN(value));
  const differences = column.encoding === "differences";
  if (differences ? most - least >= maxSpread : base !== 0n) {
    return {
      ...encodeLarge(
        column,
        BigInt64Array.from(present, (offset) => base + BigInt(offset)),
      ),
      ...which,
    };
  }
  const limits = present.length === 0 ? undefined : { least: base + BigInt(least), most: base + BigInt(most) };
  const known = { ...which, limits };
  if (differences) {
    const page = new ByteWriter(pageBytes);
    packDifferences(page, base, present);
    return { ...known, encoding: "DELTA_BINARY_PACKED", values: page.getBytes() };
  }
  const found = indexed(present, present.length);
  const dictionary = found && { count: found.distinct.length, values: plainNumbers(found.distinct) };
  if (found && dictionary && pays(dictionary, present.length, 8 * present.length)) {
    return { ...known, ...indexPage(found.indexes, dictionary.count), dictionary };
  }
  return { ...known, encoding: "PLAIN", values: plainNumbers(present) };
}

/** Numbers that are too large, or too far apart, for doubles. */
function encodeLarge(column: ColumnForm, numbers: BigInt64Array): EncodedColumn {
  const [first] = numbers;
  let [least = 0n, most = 0n] = [first, first];
  for (const value of numbers) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const differences = column.encoding === "differences";
  const page = new ByteWriter(pageBytes);
  if (differences) deltaBinaryPack(page, numbers, "INT64");
  else writePlain(page, numbers, "INT64", undefined);
  return {
    ...allOf(numbers.length),
    encoding: differences ? "DELTA_BINARY_PACKED" : "PLAIN",
    values: page.getBytes(),
    limits: first === undefined ? undefined : { least, most },
  };
}

const nothing = new Uint8Array();

/** Every row has a value. */
function allOf(rows: number): Pick<EncodedColumn, "rows" | "absent" | "levels"> {
  return { rows, absent: 0, levels: nothing };
}

/** Which of the rows have a value. Throws if one has none that must. */
function presenceOf({ name, optional = false }: ColumnForm, values: Float64Array, absent: number) {
  const rows = values.length;
  if (!optional && absent > 0) throw new TypeError(`a row has no ${name}`);
  if (!optional) return allOf(rows);
  const present = new Uint32Array(rows).fill(1);
  if (absent > 0) for (let at = 0; at < rows; at++) if (Number.isNaN(values[at])) present[at] = 0;
  const levels = new ByteWriter();
  writeRleBitPackedHybrid(levels, present, 1);
  return { rows, absent, levels: levels.getBytes() };
}

interface Indexed<Value> {
  /** Of each value, its place among the distinct ones. */
  readonly indexes: Uint32Array;
  /** In the order in which they first occur. */
  readonly distinct: readonly Value[];
}

/** Undefined if there are so many distinct values that a dictionary cannot pay. */
function indexed<Value>(values: Iterable<Value>, count: number): Indexed<Value> | undefined {
  const indexes = new Uint32Array(count);
  const distinct: Value[] = [];
  const places = new Map<Value, number>();
  let at = 0;
  for (const value of values) {
    let place = places.get(value);
    if (place === undefined) {
      place = distinct.push(value) - 1;
      if (2 * place > count) return undefined;
      places.set(value, place);
    }
    indexes[at++] = place;
  }
  return { indexes, distinct };
}

function indexedCodes(codes: Uint8Array): Indexed<number> {
  const indexes = new Uint32Array(codes.length);
  const distinct: number[] = [];
  const places = new Int16Array(256).fill(-1);
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (places[code] === -1) places[code] = distinct.push(code) - 1;
    indexes[at] = places[code] ?? 0;
  }
  return { indexes, distinct };
}

function indexPage(indexes: Uint32Array, distinct: number): Pick<EncodedColumn, "encoding" | "values"> {
  const page = new ByteWriter(pageBytes);
  const width = indexBits(distinct);
  page.appendUint8(width);
  writeRleBitPackedHybrid(page, indexes, width);
  return { encoding: "RLE_DICTIONARY", values: page.getBytes() };
}

/** Whether a dictionary takes at most a third as much as the plain values. Where it does not, GZIP makes less of the plain ones. */
function pays(dictionary: Dictionary, count: number, plainBytes: number): boolean {
  return 3 * (dictionary.values.length + (count * indexBits(dictionary.count)) / 8) <= plainBytes;
}

function indexBits(distinct: number): number {
  return distinct <= 1 ? 0 : 32 - Math.clz32(distinct - 1);
}

// HOT: once per row of a column of decimals.
function plainNumbers(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0;
    // By halves: no bigint is made for each.
    view.setUint32(8 * at, value >>> 0, true);
    view.setInt32(8 * at + 4, Math.floor(value / 2 ** 32), true);
  }
  return bytes;
}

function plainTexts(texts: readonly string[]): Uint8Array {
  const page = new ByteWriter();
  for (const text of texts) {
    const bytes = Buffer.from(text, "utf8");
    page.appendUint32(bytes.length);
    page.appendBytes(bytes);
  }
  return page.getBytes();
}

// HOT: once per row and column of numbers.
function extentOf(values: Float64Array): { readonly absent: number; readonly least: number; readonly most: number } {
  let [absent, least, most] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? Number.NaN;
    if (Number.isNaN(value)) absent++;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { absent, least, most };
}
