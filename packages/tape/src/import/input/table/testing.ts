import type { SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";

/** A column of a file that a test writes, as Parquet stores it. */
export interface WrittenColumn {
  readonly element: Omit<SchemaElement, "name">;
  readonly values: readonly unknown[];
}

export interface ParquetContents {
  readonly columns: Readonly<Record<string, WrittenColumn>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly rowsPerGroup?: number;
}

/** A Parquet file, compressed with Snappy. */
export function parquetOf({ columns, metadata = {}, rowsPerGroup = 100 }: ParquetContents): Uint8Array {
  const named = Object.entries(columns);
  const bytes = parquetWriteBuffer({
    schema: [
      { name: "root", num_children: named.length },
      ...named.map(([name, { element }]): SchemaElement => ({ repetition_type: "REQUIRED", ...element, name })),
    ],
    columnData: named.map(([name, { values }]) => ({ name, data: [...values] })),
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    rowGroupSize: rowsPerGroup,
  });
  return new Uint8Array(bytes);
}

/** How columns are stored that many files have. */
export const stored = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  double: { type: "DOUBLE" },
  flag: { type: "BOOLEAN" },
  whole: { type: "INT64" },
  unsigned: { type: "INT64", converted_type: "UINT_64" },
  byte: { type: "INT32", converted_type: "UINT_8" },
} as const satisfies Record<string, Omit<SchemaElement, "name">>;

/** A time in the given unit. */
export function timestamp(unit: "MILLIS" | "MICROS" | "NANOS"): Omit<SchemaElement, "name"> {
  return { type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit } };
}

/** A table of a CSV, each column in the type that is given for it: numbers of microseconds become times of the column's unit. */
export function parquetOfCsv(
  csv: string,
  elementOf: (name: string) => Omit<SchemaElement, "name">,
  rowsPerGroup?: number,
): Uint8Array {
  const [header = "", ...rows] = csv.trimEnd().split("\n");
  const cells = rows.map((row) => row.split(","));
  const columns = Object.fromEntries(
    header.split(",").map((name, at) => {
      const element = elementOf(name);
      return [name, { element, values: cells.map((row) => typed(row[at] ?? "", element)) }];
    }),
  );
  return parquetOf({ columns, ...(rowsPerGroup && { rowsPerGroup }) });
}

function typed(text: string, { type, logical_type: logical }: Omit<SchemaElement, "name">): unknown {
  if (type === "BOOLEAN") return text === "true";
  if (type === "DOUBLE") return text === "" ? undefined : Number(text);
  if (type !== "INT64") return text;
  return logical?.type === "TIMESTAMP" && logical.unit === "NANOS" ? BigInt(text) * 1_000n : BigInt(text);
}

/** A CSV of books of AAPL's market, as a Parquet file. */
export function someTable(rows: number): Uint8Array {
  const start = Date.UTC(2024, 7, 8) * 1000;
  const lines = Array.from(
    { length: rows },
    (_, n) => `${start + n * 100_000},${100 + (n % 5)},1.5,${105 + (n % 3)},${n + 1}`,
  );
  const header = "time,bid_price_1,bid_size_1,ask_price_1,ask_size_1";
  const element = (name: string) => (name === "time" ? timestamp("MICROS") : stored.double);
  return parquetOfCsv([header, ...lines].join("\n"), element, 50);
}
