import { decimalText } from "../../../export/text-formats.js";
import { BrokenLine } from "../../import-errors.js";
import type { Table, TableColumnKind } from "../../input/table/table.js";
import { numberOf } from "../../messages/fields.js";

/** Decimals of a number that is stored as one of 64 bits, and of 128 bits. */
const shortDecimals = 9;
const longDecimals = 16;

/**
 * Reads a column of prices or sizes: fixed-point numbers of 128 or 64 bits in bytes, the lowest first, as catalogs since 1.210 have them; of 64 bits
 * in whole numbers, as earlier ones do; or decimals. What lies behind the instrument's precision is rounding of the program that wrote the file.
 */
export class FixedPoint {
  readonly #name: string;
  readonly #kind: TableColumnKind;
  readonly #precision: number;

  /** @param precision the key of the metadata that has the decimals of the instrument */
  constructor({ columns, metadata }: Table, name: string, precision: "price_precision" | "size_precision") {
    this.#name = name;
    this.#kind = columns.find((column) => column.name === name)?.kind ?? "text";
    const said = Number(metadata.get(precision) ?? longDecimals);
    this.#precision = Number.isInteger(said) && said >= 0 ? Math.min(said, longDecimals) : longDecimals;
  }

  // HOT: twice for each level of an imported book.
  /** Throws `BrokenLine`. */
  valueOf(text: string): number {
    if (this.#kind === "bytes") return this.#number(...wholeOfBytes(text, this.#name));
    if (this.#kind === "whole" && /^-?\d+$/.test(text)) return this.#number(BigInt(text), shortDecimals);
    return numberOf(text, this.#name);
  }

  #number(raw: bigint, decimals: number): number {
    const behind = Math.max(0, decimals - this.#precision);
    const unit = 10n ** BigInt(behind);
    const half = raw < 0n ? -unit / 2n : unit / 2n;
    return numberOf(decimalText((raw + half) / unit, decimals - behind), this.#name);
  }
}

/** The largest numbers stand for none. */
const undefinedShort = 2n ** 63n - 1n;
const undefinedLong = 2n ** 127n - 1n;

function wholeOfBytes(text: string, name: string): [raw: bigint, decimals: number] {
  const bytes = Buffer.from(text.slice(2), "hex");
  if (bytes.length !== 8 && bytes.length !== 16) {
    throw new BrokenLine(`${name} has ${bytes.length} bytes instead of 8 or 16`);
  }
  const short = bytes.length === 8;
  const raw = short ? bytes.readBigInt64LE() : (bytes.readBigInt64LE(8) << 64n) | bytes.readBigUInt64LE();
  if (raw === (short ? undefinedShort : undefinedLong) || raw === -1n) throw new BrokenLine(`${name} is undefined`);
  return [raw, short ? shortDecimals : longDecimals];
}
