/** Writes DBN files as Databento's specification describes them, for tests: it shares no code with the importer. */

export interface MappedSymbol {
  readonly symbol: string;
  /** Day, the day after the last one (YYYYMMDD), and the instrument id as text. */
  readonly intervals: readonly (readonly [first: number, end: number, id: string])[];
}

export interface DbnContents {
  readonly version?: 1 | 2 | 3;
  /** By Databento's numbers; undefined: none, as in recordings of the live feed. */
  readonly schema: number | undefined;
  readonly mappings?: readonly MappedSymbol[];
  /** From what kind of symbol to what kind, by Databento's numbers: raw symbols to ids. */
  readonly symbology?: readonly [from: number, to: number];
  readonly records: readonly Uint8Array[];
}

export const schemaNumbers = {
  mbo: 0,
  mbp1: 1,
  mbp10: 2,
  tbbo: 3,
  trades: 4,
  ohlcv1d: 8,
  cmbp1: 14,
  tcbbo: 17,
  bbo1s: 18,
  bbo1m: 19,
} as const;

export function dbnOf({ version = 3, schema, mappings = [], symbology = [1, 0], records }: DbnContents): Uint8Array {
  const symbolBytes = version === 1 ? 22 : 71;
  const symbol = (text: string) => padded(text, symbolBytes);
  const fields = [
    padded("GLBX.MDP3", 16),
    u16(schema ?? 0xffff),
    u64(startNs),
    u64(2n ** 64n - 1n),
    u64(0n),
    ...(version === 1 ? [u64(2n ** 64n - 1n)] : []),
    Uint8Array.of(symbology[0], symbology[1], 0),
    ...(version === 1 ? [new Uint8Array(47)] : [u16(symbolBytes), new Uint8Array(53)]),
    u32(0),
    u32(mappings.length),
    ...mappings.map((mapped) => symbol(mapped.symbol)),
    u32(0),
    u32(0),
    u32(mappings.length),
    ...mappings.flatMap((mapped) => [
      symbol(mapped.symbol),
      u32(mapped.intervals.length),
      ...mapped.intervals.flatMap(([first, end, id]) => [u32(first), u32(end), symbol(id)]),
    ]),
  ];
  const metadata = Buffer.concat(fields);
  const padding = version === 3 ? (8 - (metadata.length % 8)) % 8 : 0;
  const prelude = Buffer.concat([Buffer.from("DBN"), Uint8Array.of(version), u32(metadata.length + padding)]);
  return Buffer.concat([prelude, metadata, new Uint8Array(padding), ...records]);
}

/** Nanoseconds since 1970 of 2024-03-01T14:30:00. */
export const startNs = BigInt(Date.UTC(2024, 2, 1, 14, 30)) * 1_000_000n;

export const flags = { last: 128, topOfBook: 64, snapshot: 32, badReceiveTime: 8, maybeBadBook: 4 } as const;

interface Common {
  readonly id?: number;
  readonly publisher?: number;
  /** Nanoseconds after `startNs`; null: none. */
  readonly event?: number | null;
  readonly received?: number | null;
  readonly action: string;
  readonly side?: string;
  /** In billionths; undefined: none. */
  readonly price?: bigint | undefined;
  readonly size?: number;
  readonly flags?: number;
  readonly sequence?: number;
}

export function mboRecord(record: Common & { readonly order?: bigint }): Uint8Array {
  const { order = 0n, size = 0, action, side = "N", sequence = 0 } = record;
  return whole([
    ...header(0xa0, record),
    ...[u64(order), price(record.price), u32(size)],
    ...[Uint8Array.of(record.flags ?? flags.last, 0, action.charCodeAt(0), side.charCodeAt(0))],
    ...[received(record), u32(17), u32(sequence)],
  ]);
}

export type Level = readonly [price: bigint, size: number] | undefined;

/** A record of trades, mbp-1, tbbo or mbp-10, by the number of its levels. @param kind of records that have another number */
export function priceRecord(
  record: Common & { readonly bids?: readonly Level[]; readonly asks?: readonly Level[] },
  levels: number,
  kind = levels,
): Uint8Array {
  const { size = 0, action, side = "N", sequence = 0, bids = [], asks = [] } = record;
  return whole([
    ...header(kind, record),
    ...[price(record.price), u32(size)],
    ...[Uint8Array.of(action.charCodeAt(0), side.charCodeAt(0), record.flags ?? flags.last, 0)],
    ...[received(record), u32(17), u32(sequence)],
    ...Array.from({ length: levels }, (_, n) => {
      const [bid, ask] = [bids[n], asks[n]];
      const counts = [u32(bid ? 1 : 0), u32(ask ? 1 : 0)];
      return Buffer.concat([price(bid?.[0]), price(ask?.[0]), u32(bid?.[1] ?? 0), u32(ask?.[1] ?? 0), ...counts]);
    }),
  ]);
}

/** A file of orders of AAPL: some are added on both sides, every third is modified, cancelled or traded later. */
export function someOrders(count: number): Uint8Array {
  const records = Array.from({ length: count }, (_, n) => {
    const side = n % 2 === 0 ? "B" : "A";
    const price = BigInt(n % 2 === 0 ? 100 - (n % 7) : 101 + (n % 5)) * 1_000_000_000n;
    const action =
      n === 0 ? "R" : n < 10 || n % 3 > 0 ? "A" : (["M", "C", "T"][n % 9 === 0 ? 0 : n % 2 === 0 ? 1 : 2] ?? "N");
    const order = BigInt(action === "A" || action === "R" ? n : n - 7);
    return mboRecord({ event: n * 1e8, action, side, price, size: 1 + (n % 4), order, sequence: n });
  });
  return dbnOf({ schema: schemaNumbers.mbo, mappings: [apple], records });
}

/** A file of books of AAPL with ten levels, every fourth with a trade. */
export function someBooks(count: number): Uint8Array {
  const levels = (best: number, step: number) =>
    Array.from({ length: 10 }, (_, place): Level => [BigInt(best + step * place) * 10_000_000n, 5 + place]);
  const records = Array.from({ length: count }, (_, n) => {
    const book = { bids: levels(10_000 - (n % 3), -1), asks: levels(10_001 + (n % 2), 1) };
    const what = { action: n % 4 === 3 ? "T" : "A", side: "B", price: 100_010_000_000n, size: 2 };
    return priceRecord({ event: n * 1e8, ...what, ...book, sequence: n }, 10);
  });
  return dbnOf({ version: 1, schema: schemaNumbers.mbp10, mappings: [apple], records });
}

const apple: MappedSymbol = { symbol: "AAPL", intervals: [[20240301, 20240302, "5482"]] };

/** What the live feed says of an instrument's name. */
export function symbolMappingRecord(version: 1 | 2 | 3, id: number, symbol: string): Uint8Array {
  const text = (value: string) => padded(value, version === 1 ? 22 : 71);
  const times = [u64(startNs), u64(2n ** 64n - 1n)];
  const names =
    version === 1
      ? [text("ES.FUT"), text(symbol), u32(0)]
      : [Uint8Array.of(4), text("ES.FUT"), Uint8Array.of(1), text(symbol)];
  return whole([...header(0x16, { id, action: "N" }), ...names, ...times]);
}

/** A record of another kind, which a live recording has in between: a heartbeat. */
export function systemRecord(): Uint8Array {
  return whole([...header(0x17, { action: "N" }), padded("Heartbeat", 303), Uint8Array.of(0)]);
}

/** With the record's length in words of four bytes in front. */
function whole(fields: readonly Uint8Array[]): Uint8Array {
  const rest = Buffer.concat(fields);
  return Buffer.concat([Uint8Array.of((rest.length + 1) / 4), rest]);
}

function header(kind: number, { id = 5482, publisher = 1, event = 0 }: Common): Uint8Array[] {
  return [Uint8Array.of(kind), u16(publisher), u32(id), time(event)];
}

function received({ event, received: at = (event ?? 0) + 200_000 }: Common): Uint8Array {
  return time(at);
}

function time(at: number | null): Uint8Array {
  return u64(at === null ? 2n ** 64n - 1n : startNs + BigInt(at));
}

function price(billionths: bigint | undefined): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(billionths ?? 2n ** 63n - 1n);
  return bytes;
}

function padded(text: string, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  bytes.write(text, "latin1");
  return bytes;
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 255, value >> 8);
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
