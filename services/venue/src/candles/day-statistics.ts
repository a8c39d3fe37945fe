import type { Market } from "../http/target.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import { written } from "../player/written-decimals.js";
import { emptyCandle } from "./candle.js";
import { type CandleTexts, candleTexts } from "./candle-texts.js";
import type { TradeHistory } from "./trade-history.js";

const dayMs = 86_400_000;

/** What a ticker says of the day before the playhead. */
export interface DayStatistics extends CandleTexts {
  readonly change: string;
  readonly changePercent: string;
  readonly openTime: number;
  readonly closeTime: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly trades: number;
}

export function dayStatistics({ book, time }: PlayedEpoch, history: TradeHistory, market: Market): DayStatistics {
  const day = history.day() ?? emptyCandle(time - dayMs, Math.round(book.book.mid ?? 0));
  const scale = Number(`1e${book.decimals.price}`);
  const change = day.close - day.open;
  return {
    ...candleTexts(day, book.decimals, market),
    change: written[market]((change / scale).toFixed(book.decimals.price)),
    changePercent: (day.open === 0 ? 0 : (100 * change) / day.open).toFixed(3),
    openTime: time - dayMs,
    closeTime: time,
    firstId: day.firstId,
    lastId: day.lastId,
    trades: day.trades,
  };
}
