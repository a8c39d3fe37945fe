import { decimalText, type TrackDecimals } from "@tapedeck/tape";
import type { Market } from "../http/target.js";
import { written } from "../player/written-decimals.js";
import type { Candle } from "./candle.js";

/** Binance has no more decimals. */
const mostDecimals = 8;

/** The numbers of a candle as decimals, as a market writes them. */
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

export function candleTexts(candle: Candle, { price, size }: TrackDecimals, market: Market): CandleTexts {
  const text = written[market];
  const scale = Number(`1e${price + size}`);
  const quote = (units: number) => text((units / scale).toFixed(Math.min(mostDecimals, price + size)));
  const average = candle.volume === 0 ? candle.close : candle.quoteVolume / candle.volume;
  return {
    open: text(decimalText(candle.open, price)),
    high: text(decimalText(candle.high, price)),
    low: text(decimalText(candle.low, price)),
    close: text(decimalText(candle.close, price)),
    volume: text(decimalText(candle.volume, size)),
    quoteVolume: quote(candle.quoteVolume),
    takerBuyVolume: text(decimalText(candle.takerBuyVolume, size)),
    takerBuyQuoteVolume: quote(candle.takerBuyQuoteVolume),
    average: text((average / Number(`1e${price}`)).toFixed(Math.min(mostDecimals, price + 4))),
  };
}
