import type { TradeSide } from "@tapedeck/protocol";

/** Trade sides by the number that stands for them in a block. */
export const tradeSides: readonly TradeSide[] = ["unknown", "buy", "sell"];

/** The fields that sum up a frame's trades, each with its leading comma. One function for recorded and merged frames. */
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

/** What follows the anomalies of a frame after a marked gap: milliseconds, to the microsecond. */
export function gapField(gapBeforeNs: number): string {
  const us = Math.round(gapBeforeNs / 1000);
  return us === 0 ? "" : `,"gap_before_ms":${us / 1000}`;
}

/** A sum of sizes without the noise of adding doubles. */
export function roundedVolume(volume: number, sizeDecimals: number): number {
  return Number(volume.toFixed(sizeDecimals));
}
