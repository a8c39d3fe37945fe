import type { TradeSide } from "@tapedeck/protocol";

/**
 * The table at the beginning of a block: an 8-byte head (frame count and offset of the text, both u32), then one column after the
 * other, each with a value per frame, little-endian. The wide columns come first, so that all are aligned.
 */
const headBytes = 8;

export const floatColumns = ["ns", "tradeVolume", "lastTradePrice", "effectiveSpread", "gapBeforeNs"] as const;

/** Offsets count from the beginning of the text; `start` to `fieldsStart` is the frame's head. */
export const integerColumns = [
  "start",
  "fieldsStart",
  "tradesStart",
  "tradesEnd",
  "anomaliesStart",
  "anomaliesEnd",
  "tradeCount",
] as const;

/** Trade sides by the number that the column `side` has for them. */
export const tradeSides: readonly TradeSide[] = ["unknown", "buy", "sell"];

export type BlockColumns = Record<(typeof floatColumns)[number], Float64Array> &
  Record<(typeof integerColumns)[number], Uint32Array> & { readonly side: Uint8Array };

/** Bytes of the table of `count` frames, padded to a multiple of 8. */
export function tableBytes(count: number): number {
  const columns = count * (floatColumns.length * 8 + integerColumns.length * 4 + 1);
  return headBytes + Math.ceil(columns / 8) * 8;
}

/** Views of the columns of a table of `count` frames that fills `table`. */
export function columnsOf(table: ArrayBuffer, count: number): BlockColumns {
  const float = (column: number) => new Float64Array(table, headBytes + column * count * 8, count);
  const integers = headBytes + floatColumns.length * count * 8;
  const integer = (column: number) => new Uint32Array(table, integers + column * count * 4, count);
  return {
    ns: float(0),
    tradeVolume: float(1),
    lastTradePrice: float(2),
    effectiveSpread: float(3),
    gapBeforeNs: float(4),
    start: integer(0),
    fieldsStart: integer(1),
    tradesStart: integer(2),
    tradesEnd: integer(3),
    anomaliesStart: integer(4),
    anomaliesEnd: integer(5),
    tradeCount: integer(6),
    side: new Uint8Array(table, integers + integerColumns.length * count * 4, count),
  };
}
