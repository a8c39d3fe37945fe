import { decimalText, type TrackDecimals } from "@tapedeck/tape";
import type { Candle } from "./candle.js";

/** Binance has no more decimals. */
const mostDecimals = 8;

/** The numbers of a candle as decimals. */
export interface CandleTexts {
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly quoteVolume: string;
  readonly takerBuyVolume: string;
  readonly takerBuyQuoteVolume: string;
  /** Quote volume over volume. */
  readonly average: string;
}

export function candleTexts(candle: Candle, { price, size }: TrackDecimals): CandleTexts {
  const scale = Number(`1e${price + size}`);
  const quote = (units: number) => (units / scale).toFixed(Math.min(mostDecimals, price + size));
  const average = candle.volume === 0 ? candle.close : candle.quoteVolume / candle.volume;
  return {
    open: decimalText(candle.open, price),
    high: decimalText(candle.high, price),
    low: decimalText(candle.low, price),
    close: decimalText(candle.close, price),
    volume: decimalText(candle.volume, size),
    quoteVolume: quote(candle.quoteVolume),
    takerBuyVolume: decimalText(candle.takerBuyVolume, size),
    takerBuyQuoteVolume: quote(candle.takerBuyQuoteVolume),
    average: (average / Number(`1e${price}`)).toFixed(Math.min(mostDecimals, price + 4)),
  };
}
