import type { RowSource } from "./row-source.js";

/** All rows of a source, by column. */
export async function rowsOf(source: RowSource): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = [];
  for await (const { rows, values } of source.batches()) {
    for (let row = 0; row < rows; row++) {
      all.push(Object.fromEntries(source.columns.map(({ name }) => [name, values[name]?.[row]])));
    }
  }
  return all;
}

/** All bytes of a file. */
export async function wholeFile(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
