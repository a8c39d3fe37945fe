import { addTrade, type Candle, emptyCandle, newCandle } from "../candles/candle.js";
import { candleTexts } from "../candles/candle-texts.js";
import { boundsOf, type Interval } from "../candles/intervals.js";
import type { TradeHistory } from "../candles/trade-history.js";
import type { VenueTrade } from "../player/market-events.js";
import { intervalEnd, type MakeStream, type MarketStream, msInNs, type StreamContext } from "./market-stream.js";

/** How often a changing candle is sent, in tape time. */
const everyMs = 1_000;

/** `@kline_1m`: the candle of an interval while it changes, and closed at its end, also if nothing was traded in it. */
export function candles(interval: Interval): MakeStream {
  return (context) => new CandleStream(interval, context);
}

class CandleStream implements MarketStream {
  readonly #interval: Interval;
  readonly #context: StreamContext;
  #candle: Candle | undefined;
  #changed = false;
  #tellNs = Number.POSITIVE_INFINITY;
  #closeNs = Number.POSITIVE_INFINITY;
  #ready = false;

  constructor(interval: Interval, context: StreamContext) {
    this.#interval = interval;
    this.#context = context;
    context.history().then(
      (history) => this.#begin(history),
      () => {}, // the tape cannot be read: no candles until the bot connects again
    );
  }

  get dueNs(): number {
    return Math.min(this.#tellNs, this.#closeNs);
  }

  trade(trade: VenueTrade): void {
    if (!this.#ready) return; // the history has it
    const { open } = boundsOf(this.#interval, trade.time);
    const candle = this.#candle;
    // Times may go back from trade to trade, candles do not.
    const from = Math.max(open, candle?.openTime ?? open);
    if (candle === undefined || candle.trades === 0 || from > candle.openTime) this.#open(newCandle(from, trade));
    if (this.#candle !== undefined) addTrade(this.#candle, trade);
    this.#changed = true;
    if (this.#tellNs === Number.POSITIVE_INFINITY) {
      this.#tellNs = intervalEnd(this.#context.epoch.toldNs, everyMs * msInNs);
    }
  }

  flush(): void {
    if (this.#closeNs <= this.#tellNs) {
      this.#close();
      this.#told();
    } else this.pause();
  }

  /** Sends the candle as it is; it stays open. */
  pause(): void {
    if (this.#changed) this.#tell(false);
    this.#told();
  }

  end(): void {
    this.pause();
  }

  #told(): void {
    this.#changed = false;
    this.#tellNs = Number.POSITIVE_INFINITY;
  }

  #begin(history: TradeHistory): void {
    this.#ready = true;
    const last = history.candles(this.#interval).at(-1);
    if (last === undefined) return;
    const { open } = boundsOf(this.#interval, this.#context.epoch.time);
    this.#open(last.openTime < open ? emptyCandle(open, last.close) : last);
    this.#context.epoch.wake();
  }

  #open(candle: Candle): void {
    const { clock, tape } = this.#context.epoch;
    this.#candle = candle;
    const { end } = boundsOf(this.#interval, candle.openTime);
    this.#closeNs = Number(clock.nsOf(end) - tape.startNs) - 1;
  }

  #close(): void {
    if (this.#candle === undefined) return;
    this.#tell(true);
    const { end } = boundsOf(this.#interval, this.#candle.openTime);
    this.#open(emptyCandle(end, this.#candle.close));
  }

  #tell(closed: boolean): void {
    const { epoch, market, send } = this.#context;
    const candle = this.#candle;
    if (candle === undefined) return;
    const { open, high, low, close, volume, quoteVolume, takerBuyVolume, takerBuyQuoteVolume } = candleTexts(
      candle,
      epoch.book.decimals,
      market,
    );
    const { end } = boundsOf(this.#interval, candle.openTime);
    const s = epoch.symbol.symbol;
    const k = {
      ...{ t: candle.openTime, T: end - 1, s, i: this.#interval, f: candle.firstId, L: candle.lastId },
      ...{ o: open, c: close, h: high, l: low, v: volume, n: candle.trades, x: closed },
      ...{ q: quoteVolume, V: takerBuyVolume, Q: takerBuyQuoteVolume, B: "0" },
    };
    send(JSON.stringify({ e: "kline", E: closed ? end : epoch.time, s, k }));
  }
}
