import { decimalText, effectiveStates, pinnedTrackOf, tradeSides } from "@tapedeck/tape";
import type { MarketListener, VenueTrade } from "../player/market-events.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import { addTrade, type Candle, type CandleTrade, joinCandles, newCandle } from "./candle.js";
import { boundsOf, type Interval } from "./intervals.js";

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** How far before the playhead it reaches. */
const lookbackNs = 86_400_000_000_000n;
/** On tapes that are made when they are read: a minute of one takes some tens of milliseconds. */
const madeLookbackNs = 1_800_000_000_000n;
/** Trades that are kept one by one. */
const recentTrades = 1_000;
const sell = tradeSides.indexOf("sell");

/** The trades of an epoch's market up to the playhead: a candle for each minute, the last ones one by one. It is read when somebody asks, and follows the playhead then. */
export class TradeHistory implements MarketListener {
  readonly dueNs = Number.POSITIVE_INFINITY;
  readonly #epoch: PlayedEpoch;
  /** By the time at which each minute begins, in their order. */
  readonly #minutes = new Map<number, Candle>();
  #recent: VenueTrade[] = [];
  /** Trades that come while those before them are read. */
  #told: VenueTrade[] | undefined = [];

  private constructor(epoch: PlayedEpoch) {
    this.#epoch = epoch;
  }

  /** Rejects as reading the track does. */
  static async load(epoch: PlayedEpoch): Promise<TradeHistory> {
    const history = new TradeHistory(epoch);
    epoch.listeners.add(history);
    try {
      await history.#read(epoch.n);
    } catch (error) {
      epoch.listeners.delete(history);
      throw error;
    }
    return history;
  }

  flush(): void {}

  trade(trade: VenueTrade): void {
    if (this.#told !== undefined) {
      this.#told.push(trade);
      return;
    }
    this.#add(trade.time, trade);
    this.#recent.push(trade);
    if (this.#recent.length > 2 * recentTrades) this.#recent = this.#recent.slice(-recentTrades);
  }

  /** The last trades, oldest first. */
  recent(limit: number): readonly VenueTrade[] {
    return this.#recent.slice(-Math.min(limit, recentTrades));
  }

  /** Candles of an interval with at least one trade, oldest first. */
  candles(interval: Interval): readonly Candle[] {
    const groups = new Map<number, Candle[]>();
    for (const minute of this.#minutes.values()) {
      const { open } = boundsOf(interval, minute.openTime);
      const group = groups.get(open);
      if (group === undefined) groups.set(open, [minute]);
      else group.push(minute);
    }
    return [...groups].flatMap(([open, minutes]) => joinCandles(open, minutes) ?? []);
  }

  /** What was traded in the day before the playhead, to the minute; undefined if nothing was. */
  day(): Candle | undefined {
    const from = this.#epoch.time - dayMs;
    const minutes = [...this.#minutes.values()].filter(({ openTime }) => openTime >= from);
    return joinCandles(minutes[0]?.openTime ?? 0, minutes);
  }

  /** @param n the last event that may be read: later ones are told */
  async #read(n: number): Promise<void> {
    const { tape, clock, book } = this.#epoch;
    const track = await pinnedTrackOf(tape, { n: n + 1 });
    const playhead = tape.startNs + BigInt(Math.floor(this.#epoch.playheadNs));
    const lookback = tape.longestRangeNs === undefined ? lookbackNs : madeLookbackNs;
    const from = playhead - lookback < tape.startNs ? tape.startNs : playhead - lookback;
    const { decimals } = track;
    const scale = {
      price: Number(`1e${book.decimals.price - decimals.price}`),
      size: Number(`1e${book.decimals.size - decimals.size}`),
    };
    let recent: VenueTrade[] = [];
    for await (const batch of track.tradeBatches({ from: { ts: from }, to: { n: n + 1 } })) {
      const first = Math.max(0, batch.rows - recentTrades);
      for (let at = 0; at < batch.rows; at++) {
        if ((batch.state[at] ?? effectiveStates) >= effectiveStates) continue;
        const time = clock.timeOf(batch.timestamp[at] ?? 0n);
        const trade: CandleTrade = {
          id: clock.idOf(batch.n[at] ?? 0),
          priceUnits: (batch.price[at] ?? 0) * scale.price,
          quantityUnits: (batch.amount[at] ?? 0) * scale.size,
          buyerIsMaker: batch.side[at] === sell,
        };
        this.#add(time, trade);
        if (at < first) continue;
        const price = decimalText(trade.priceUnits, book.decimals.price);
        const quantity = decimalText(trade.quantityUnits, book.decimals.size);
        recent.push({ ...trade, time, eventTime: time, price, quantity });
      }
      recent = recent.slice(-recentTrades);
    }
    this.#recent = recent;
    const told = this.#told ?? [];
    this.#told = undefined;
    for (const trade of told) this.trade(trade);
  }

  #add(time: number, trade: CandleTrade): void {
    const openTime = Math.floor(time / minuteMs) * minuteMs;
    let minute = this.#minutes.get(openTime);
    if (minute === undefined) {
      minute = newCandle(openTime, trade);
      this.#minutes.set(openTime, minute);
    }
    addTrade(minute, trade);
  }
}
