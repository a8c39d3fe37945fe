import {
  AsyncByteQueue,
  Bool,
  type DataType,
  Decimal,
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  TimestampNanosecond,
  Uint64,
  Utf8,
} from "apache-arrow";
import { type Column, precision } from "../track/parquet-file.js";
import type { RowBatch, RowSource } from "./row-source.js";

/** Takes what the writer has written, so that it can be passed on before more is. */
class WrittenBytes extends AsyncByteQueue {
  #chunks: Uint8Array[] = [];

  override write(bytes: Uint8Array): void {
    // The writer may use the memory again.
    if (bytes.byteLength > 0) this.#chunks.push(bytes.slice());
  }

  take(): Uint8Array[] {
    const taken = this.#chunks;
    this.#chunks = [];
    return taken;
  }
}

/** An Arrow IPC file (Feather version 2), a record batch for each batch of rows. */
export async function* arrowOf(source: RowSource): AsyncGenerator<Uint8Array, void, undefined> {
  const written = new WrittenBytes();
  const schema = new Schema(
    source.columns.map(({ name, kind, optional = false }) => new Field(name, typeOf(kind), optional)),
  );
  const writer = new RecordBatchFileWriter();
  writer.reset(written, schema);
  for await (const batch of source.batches()) {
    const children = source.columns.map((column) => dataOf(column, batch));
    const type = new Struct(schema.fields);
    writer.write(new RecordBatch(schema, makeData({ type, length: batch.rows, nullCount: 0, children })));
    yield* written.take();
  }
  writer.finish();
  yield* written.take();
}

function typeOf(kind: Column["kind"]): DataType {
  if (typeof kind === "object") return new Decimal(kind.decimals, precision, 128);
  if (kind === "number") return new Int64();
  if (kind === "unsigned") return new Uint64();
  if (kind === "float") return new Float64();
  if (kind === "time") return new TimestampNanosecond("UTC");
  return kind === "flag" ? new Bool() : new Utf8();
}

function dataOf({ name, kind }: Column, { rows: length, values }: RowBatch) {
  const column: ArrayLike<unknown> = values[name] ?? [];
  const nulls = nullsOf(column, length);
  if (typeof kind === "object") {
    return makeData({
      type: new Decimal(kind.decimals, precision, 128),
      length,
      ...nulls,
      data: decimals(column, length),
    });
  }
  if (kind === "number") return makeData({ type: new Int64(), length, ...nulls, data: wholes(column, length) });
  if (kind === "unsigned") {
    return makeData({ type: new Uint64(), length, ...nulls, data: new BigUint64Array(wholes(column, length).buffer) });
  }
  if (kind === "time") {
    return makeData({ type: new TimestampNanosecond("UTC"), length, ...nulls, data: wholes(column, length) });
  }
  if (kind === "float") {
    return makeData({
      type: new Float64(),
      length,
      ...nulls,
      data: Float64Array.from(column, (value) => Number(value ?? 0)),
    });
  }
  if (kind === "flag") {
    return makeData({ type: new Bool(), length, ...nulls, data: bitsOf(length, (row) => column[row] === true) });
  }
  return makeData({ type: new Utf8(), length, ...nulls, ...texts(column, length) });
}

function nullsOf(column: ArrayLike<unknown>, length: number): { nullCount: number; nullBitmap: Uint8Array | null } {
  let nullCount = 0;
  for (let row = 0; row < length; row++) if (column[row] == null) nullCount++;
  return { nullCount, nullBitmap: nullCount === 0 ? null : bitsOf(length, (row) => column[row] != null) };
}

function bitsOf(length: number, isSet: (row: number) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (let row = 0; row < length; row++) if (isSet(row)) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  return bits;
}

function wholes(column: ArrayLike<unknown>, length: number): BigInt64Array {
  if (column instanceof BigInt64Array) return column;
  const made = new BigInt64Array(length);
  for (let row = 0; row < length; row++) made[row] = wholeOf(column[row]);
  return made;
}

/** 128 bits each, the lower half first. */
function decimals(column: ArrayLike<unknown>, length: number): Uint32Array {
  const halves = new BigInt64Array(2 * length);
  for (let row = 0; row < length; row++) {
    const value = wholeOf(column[row]);
    halves[2 * row] = value;
    halves[2 * row + 1] = value < 0n ? -1n : 0n;
  }
  return new Uint32Array(halves.buffer);
}

function wholeOf(value: unknown): bigint {
  return typeof value === "bigint" ? value : BigInt(String(value ?? 0));
}

function texts(column: ArrayLike<unknown>, length: number): { valueOffsets: Int32Array; data: Uint8Array } {
  const valueOffsets = new Int32Array(length + 1);
  const parts: string[] = [];
  let end = 0;
  for (let row = 0; row < length; row++) {
    const text = column[row] == null ? "" : String(column[row]);
    parts.push(text);
    end += Buffer.byteLength(text);
    valueOffsets[row + 1] = end;
  }
  return { valueOffsets, data: Buffer.from(parts.join("")) };
}
