import type { ColumnValues, GroupValues } from "../track/parquet-file.js";
import { ParquetFile } from "../track/parquet-file.js";
import type { RowBatch, RowSource } from "./row-source.js";

/** Bytes of a file, and how much of its rows they end: 0 to 1. */
export interface EncodedPart {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly done: number;
}

/**
 * Rises with each release whose files have other bytes for the same rows: it is part of their tags, so that nobody joins parts of two of them.
 */
export const encoderVersion = 1;

/** Rows of a row group, where the source does not cut them itself. */
const rowsPerGroup = 100_000;

/**
 * A Parquet file whose bytes follow from its rows alone: not from how the source cuts them into batches, and not from the machine. So nodes that
 * make the same file can each answer a part of it. It is compressed with Snappy, in JavaScript: zlib's output depends on the version and the processor.
 */
export async function* encodeParts(source: RowSource): AsyncGenerator<EncodedPart, void, undefined> {
  const file = new ParquetFile(source.columns, "SNAPPY");
  for await (const { values, done } of inGroups(source)) {
    file.addGroup(values);
    yield { bytes: file.take(), done };
  }
  file.finish();
  yield { bytes: file.take(), done: 1 };
}

/** The same rows in groups of `rowsPerGroup`, or as the source cuts them if its cuts always are the same. */
async function* inGroups(source: RowSource): AsyncGenerator<RowBatch, void, undefined> {
  if (source.sameCuts) {
    yield* source.batches();
    return;
  }
  let waiting: RowBatch | undefined;
  for await (const batch of source.batches()) {
    let rest: RowBatch = waiting === undefined ? batch : joined(waiting, batch);
    while (rest.rows >= rowsPerGroup) {
      yield part(rest, 0, rowsPerGroup);
      rest = part(rest, rowsPerGroup, rest.rows);
    }
    waiting = rest;
  }
  if (waiting !== undefined && waiting.rows > 0) yield waiting;
}

function part({ values, done }: RowBatch, from: number, to: number): RowBatch {
  return { rows: to - from, done, values: mapped(values, (column) => column.slice(from, to)) };
}

function joined(first: RowBatch, second: RowBatch): RowBatch {
  const values = mapped(first.values, (column, name) => concatenated(column, second.values[name] ?? []));
  return { rows: first.rows + second.rows, done: second.done, values };
}

function mapped(values: GroupValues, change: (column: ColumnValues, name: string) => ColumnValues): GroupValues {
  return Object.fromEntries(Object.entries(values).map(([name, column]) => [name, change(column, name)]));
}

function concatenated(first: ColumnValues, second: ColumnValues): ColumnValues {
  if (first instanceof BigInt64Array && second instanceof BigInt64Array) {
    const both = new BigInt64Array(first.length + second.length);
    both.set(first);
    both.set(second, first.length);
    return both;
  }
  return [...Array.from<unknown>(first), ...Array.from<unknown>(second)];
}
