/** What was traded in an interval. Prices and quantities are integers that count the last decimal. */
export interface Candle {
  /** ms since 1970, as bots see it. */
  readonly openTime: number;
  readonly open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  /** Price times quantity, in units of both. */
  quoteVolume: number;
  takerBuyVolume: number;
  takerBuyQuoteVolume: number;
  trades: number;
  readonly firstId: number;
  lastId: number;
}

/** A trade as a candle needs it. */
export interface CandleTrade {
  readonly id: number;
  readonly priceUnits: number;
  readonly quantityUnits: number;
  readonly buyerIsMaker: boolean;
}

export function newCandle(openTime: number, { id, priceUnits: price }: CandleTrade): Candle {
  return {
    ...{ openTime, open: price, high: price, low: price, close: price },
    ...{ volume: 0, quoteVolume: 0, takerBuyVolume: 0, takerBuyQuoteVolume: 0, trades: 0, firstId: id, lastId: id },
  };
}

/** A candle without trades, at the close before it. */
export function emptyCandle(openTime: number, price: number): Candle {
  return { ...newCandle(openTime, { id: -1, priceUnits: price, quantityUnits: 0, buyerIsMaker: false }) };
}

export function addTrade(candle: Candle, { id, priceUnits, quantityUnits, buyerIsMaker }: CandleTrade): void {
  const quote = priceUnits * quantityUnits;
  candle.high = Math.max(candle.high, priceUnits);
  candle.low = Math.min(candle.low, priceUnits);
  candle.close = priceUnits;
  candle.volume += quantityUnits;
  candle.quoteVolume += quote;
  if (!buyerIsMaker) {
    candle.takerBuyVolume += quantityUnits;
    candle.takerBuyQuoteVolume += quote;
  }
  candle.trades++;
  candle.lastId = id;
}

/** Several candles that follow on each other as one. */
export function joinCandles(openTime: number, candles: readonly Candle[]): Candle | undefined {
  const [first] = candles;
  const last = candles.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const joined: Candle = { ...first, openTime, close: last.close, lastId: last.lastId };
  for (const { high, low, ...sums } of candles.slice(1)) {
    joined.high = Math.max(joined.high, high);
    joined.low = Math.min(joined.low, low);
    joined.volume += sums.volume;
    joined.quoteVolume += sums.quoteVolume;
    joined.takerBuyVolume += sums.takerBuyVolume;
    joined.takerBuyQuoteVolume += sums.takerBuyQuoteVolume;
    joined.trades += sums.trades;
  }
  return joined;
}
