import type { FrameParts } from "@tapedeck/market";
import type { TapeNs, TradeSide } from "@tapedeck/protocol";
import type { Gap, Seq } from "../tape.js";
import { gapField, gapLengthNs } from "./mark-gap.js";

/** A frame's JSON, which is made once and only copied afterwards, the offsets of its parts, and what a tape stores beside it. */
export interface SerializedFrame {
  readonly ns: TapeNs;
  /** ASCII, so that offsets in bytes and in characters agree. */
  readonly text: string | Uint8Array;
  /** Where the head ends and the trade fields begin. */
  readonly fieldsStart: number;
  /** Between the brackets of `trades`, and of `anomalies`. */
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
  const tradeVolume = roundVolume(parts.tradeVolume, sizeDecimals);
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

/** The fields that sum up a frame's trades, each with its leading comma. Recorded and merged frames share this function. */
export function tradeFields(
  count: number,
  volume: number,
  lastPrice: number,
  lastSide: TradeSide,
  effectiveSpread: number | null,
): string {
  if (count === 0) return ',"trade_classified":false';
  return `,"trade_classified":true,"trade_volume":${volume},"last_trade_price":${lastPrice},"trade_side":"${lastSide}","effective_spread":${effectiveSpread}`;
}

/** A sum of sizes without the noise of adding doubles. */
export function roundVolume(volume: number, sizeDecimals: number): number {
  return Number(volume.toFixed(sizeDecimals));
}
