import type { FrameParts } from "@tapedeck/market";
import type { TapeNs, TradeSide } from "@tapedeck/protocol";
import type { Gap, Seq } from "../tape.js";
import { gapField, roundedVolume, tradeFields } from "./frame-text.js";

/**
 * A frame as it lies on a tape: its JSON, which is made here and from then on only copied, where its parts are in it, and what
 * else the tape says of it.
 */
export interface SerializedFrame {
  readonly ns: TapeNs;
  /** ASCII, so that offsets in bytes and in characters agree. */
  readonly text: string | Uint8Array;
  /** Where the trade fields begin, which come after the head. */
  readonly fieldsStart: number;
  /** What stands between the brackets of `trades`, and of `anomalies`. */
  readonly tradesStart: number;
  readonly tradesEnd: number;
  readonly anomaliesStart: number;
  readonly anomaliesEnd: number;
  readonly tradeCount: number;
  readonly tradeVolume: number;
  readonly lastTradePrice: number;
  readonly lastTradeSide: TradeSide;
  readonly effectiveSpread: number | null;
  /** The marked gap that ends with this frame. */
  readonly gap: Gap | undefined;
  readonly events: FrameParts["events"];
  /** Mid price. */
  readonly price: number;
}

/** @param sizeDecimals of the instrument, as far as they are known */
export function serializeFrame(
  seq: Seq,
  parts: FrameParts,
  gap: Gap | undefined,
  sizeDecimals: number,
): SerializedFrame & { readonly text: string } {
  const { ns, trades, anomalies, tradeCount, lastTradeSide, effectiveSpread, events, price } = parts;
  const tradeVolume = roundedVolume(parts.tradeVolume, sizeDecimals);
  const lastTradePrice = tradeCount === 0 ? 0 : parts.lastTradePrice;
  const head = `{"type":"snapshot","seq":${seq},${parts.head}`;
  const fields = tradeFields(tradeCount, tradeVolume, lastTradePrice, lastTradeSide, effectiveSpread);
  const tradesStart = head.length + fields.length + ',"trades":['.length;
  const tradesEnd = tradesStart + trades.length;
  const anomaliesStart = tradesEnd + '],"anomalies":['.length;
  return {
    ns,
    text: `${head}${fields},"trades":[${trades}],"anomalies":[${anomalies}]${gapField(gapLengthNs(gap))}}`,
    fieldsStart: head.length,
    tradesStart,
    tradesEnd,
    anomaliesStart,
    anomaliesEnd: anomaliesStart + anomalies.length,
    tradeCount,
    tradeVolume,
    lastTradePrice,
    lastTradeSide,
    effectiveSpread,
    gap,
    events,
    price,
  };
}

/**
 * The gap before a frame as it is marked, after one at `lastNs`: that frame proves that the source lived until then, so the gap
 * never begins earlier. None that lasts no time.
 */
export function markGap(parts: FrameParts, seq: Seq, lastNs: TapeNs): Gap | undefined {
  if (parts.gapBefore === null) return undefined;
  const fromNs = Math.max(parts.gapBefore.fromNs, lastNs);
  if (fromNs >= parts.ns) return undefined;
  return { afterSeq: seq - 1, fromNs, toNs: parts.ns, reason: parts.gapBefore.reason };
}

export function gapLengthNs(gap: Gap | undefined): TapeNs {
  return gap === undefined ? 0 : gap.toNs - gap.fromNs;
}
