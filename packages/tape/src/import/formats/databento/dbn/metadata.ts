import { CutShort } from "../../../import-errors.js";
import type { Schema } from "../record.js";
import { SymbolMap } from "./symbol-map.js";

/** The bytes before the metadata proper: `DBN`, the version, and the length of the rest. */
export const preludeBytes = 8;
/** Metadata of all instruments of a large venue has a few megabytes. */
const longestMetadata = 256 * 1024 * 1024;

const newestVersion = 3;
const idSymbols = 0;
const none = { schema: 0xffff } as const;

/** By Databento's numbers. */
const schemaNames: readonly string[] = [
  ...["mbo", "mbp-1", "mbp-10", "tbbo", "trades", "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d", "definition"],
  ...["statistics", "status", "imbalance", "ohlcv-eod", "cmbp-1", "cbbo-1s", "cbbo-1m", "tcbbo", "bbo-1s", "bbo-1m"],
];

/** The kinds of records that are read, by their `rtype`. */
export const recordKinds = {
  ...{ trades: 0x00, mbp1: 0x01, mbp10: 0x0a, symbolMapping: 0x16, mbo: 0xa0 },
  ...{ cmbp1: 0xb1, cbbo1s: 0xc0, tcbbo: 0xc2, bbo1s: 0xc3 },
} as const;

const schemasOfKinds: ReadonlyMap<number, Schema> = new Map([
  [recordKinds.mbo, "mbo"],
  [recordKinds.mbp10, "mbp-10"],
  [recordKinds.mbp1, "mbp-1"],
  [recordKinds.trades, "trades"],
  [recordKinds.cmbp1, "cmbp-1"],
  [recordKinds.tcbbo, "tcbbo"],
  [recordKinds.bbo1s, "bbo-1s"],
  [recordKinds.cbbo1s, "cbbo-1s"],
]);

/**
 * The schema of a DBN file by its beginning, or why it cannot be imported, which completes a sentence about the file. Recordings of Databento's
 * live feed name no schema: their first record with market data tells.
 */
export function dbnSchema(beginning: Buffer): { readonly schema: string } | { readonly reason: string } {
  if (beginning.length < 26) return { reason: "is a DBN file that ends within its metadata" };
  const version = beginning[3] ?? 0;
  if (version < 1 || version > newestVersion) {
    return { reason: `is a DBN file of version ${version}; versions 1 to ${newestVersion} are known` };
  }
  const number = beginning.readUInt16LE(24);
  if (number !== none.schema) return { schema: schemaNames[number] ?? `number ${number}` };
  for (let at = preludeBytes + beginning.readUInt32LE(4); at + 2 <= beginning.length; ) {
    const schema = schemasOfKinds.get(beginning[at + 1] ?? 0);
    if (schema !== undefined) return { schema };
    const length = 4 * (beginning[at] ?? 0);
    if (length === 0) break;
    at += length;
  }
  return { reason: "is a DBN file that names no schema and does not begin with market data" };
}

/** Bytes of the whole metadata. Throws `CutShort` if it cannot be. */
export function metadataBytes(prelude: Buffer): number {
  const length = prelude.readUInt32LE(4);
  if (length < 100 || length > longestMetadata) throw damaged(`it says that it has ${length} bytes`);
  return preludeBytes + length;
}

/**
 * The symbols that the metadata of a DBN file gives to instrument ids. Throws `CutShort` if it is damaged.
 *
 * @param bytes the file up to its first record
 */
export function symbolsOfMetadata(bytes: Buffer): SymbolMap {
  const fields = new Fields(bytes);
  const version = bytes[3] ?? 0;
  // dataset, schema, start, end, limit; version 1 counts its records too
  fields.skip(preludeBytes + 16 + 2 + 3 * 8 + (version === 1 ? 8 : 0));
  const from = fields.byte();
  const to = fields.byte();
  fields.skip(1); // whether records have a send time: their length tells too
  const symbolBytes = version === 1 ? 22 : fields.short();
  fields.skip(version === 1 ? 47 : 53);
  fields.skip(fields.whole()); // the definition of the schema
  // the symbols that were asked for, those that are partly resolved, those that were not found
  for (let list = 0; list < 3; list++) fields.skip(fields.whole() * symbolBytes);
  const map = new SymbolMap();
  for (let count = fields.whole(); count > 0; count--) {
    const name = fields.text(symbolBytes);
    for (let intervals = fields.whole(); intervals > 0; intervals--) {
      const [first, end] = [fields.whole(), fields.whole()];
      const mapped = fields.text(symbolBytes);
      // Usually symbols were asked for and ids found; also the other way round. Old files have empty intervals.
      if (mapped === "") continue;
      if (to === idSymbols) map.add(idOf(mapped), first, end, name);
      else if (from === idSymbols) map.add(idOf(name), first, end, mapped);
    }
  }
  return map;
}

function idOf(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw damaged(`${JSON.stringify(text)} is not an instrument id`);
  return Number(text);
}

/** Reads field after field. Throws `CutShort` at the end of the bytes. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(length: number): void {
    this.#take(length);
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  short(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  whole(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** Padded with zeros. */
  text(length: number): string {
    return textAt(this.#bytes, this.#take(length), length);
  }

  #take(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw damaged("it is shorter than its contents");
    return at;
  }
}

/** A text padded with zeros. */
export function textAt(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString("utf8", at, end < 0 ? at + length : Math.min(end, at + length));
}

function damaged(why: string): CutShort {
  return new CutShort(`the metadata is damaged: ${why}`);
}
