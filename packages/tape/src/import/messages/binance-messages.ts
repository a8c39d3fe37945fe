import { isoOfNs, type TimeDecimals, type TradeSide } from "@tapedeck/protocol";
import type { Instrument, SourceEvent, SourceSnapshot, SourceTrade } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { epochTime, type Fields, fieldsOf, levelsOf, numberOf, shown, textOf, wholeOf } from "./fields.js";

/** Streams that add nothing to book and trades. */
const otherEvents = new Set(["markPriceUpdate", "kline", "24hrTicker", "24hrMiniTicker", "forceOrder"]);

/**
 * Reads Binance's messages, `{"stream":..., "data":{...}}` or the data alone, for spot and futures. Fields that only one of the two
 * markets has tell which one a message belongs to.
 */
export class BinanceMessages {
  readonly #instruments = new Map<string, Instrument>();
  /** That of the last message: mostly also that of the next. */
  #last: Instrument | undefined;

  /** Adds a message's events to `out`, or returns the kind of a message that a tape does not need. */
  read(message: Fields, receivedNs: bigint, out: SourceEvent[]): string | undefined {
    const data = message.data === undefined ? message : fieldsOf(message.data, "data");
    const stream = typeof message.stream === "string" ? message.stream : "";
    if (data.e === "depthUpdate") out.push(this.#diff(data, receivedNs));
    else if (data.e === "trade" || data.e === "aggTrade") out.push(this.#trade(data, receivedNs));
    else if (data.e === "bookTicker" || stream.endsWith("@bookTicker")) out.push(this.#ticker(data, receivedNs));
    else if (typeof data.e === "string") return otherEvents.has(data.e) ? data.e : `unknown event ${data.e}`;
    else if (data.B !== undefined && data.A !== undefined)
      out.push(this.#ticker(data, receivedNs)); // spot's ticker has no event type
    else if (data.result !== undefined) return "answer to a subscription";
    else throw new BrokenLine(`not a Binance message: ${shown(data)}`);
    return undefined;
  }

  /** The response to a depth request, which lacks the symbol and, for spot, the time. */
  snapshot(data: Fields, market: { symbol: string; futures: boolean }, receivedNs: bigint): SourceSnapshot {
    const time = data.T ?? data.E;
    const at = time === undefined ? undefined : epochTime(time, "T");
    return {
      kind: "snapshot",
      instrument: this.instrument(market, at?.decimals ?? 3),
      ns: at?.ns,
      receivedNs,
      lastId: wholeOf(data.lastUpdateId, "lastUpdateId"),
      bids: levelsOf(data.bids, "bids"),
      asks: levelsOf(data.asks, "asks"),
    };
  }

  /** A market's instrument, always the same object; its decimals are those of its first message. */
  instrument({ symbol, futures }: { symbol: string; futures: boolean }, decimals: TimeDecimals): Instrument {
    return this.#instrument(symbol, futures, decimals);
  }

  #diff(data: Fields, receivedNs: bigint): SourceEvent {
    const { ns, decimals } = epochTime(data.T ?? data.E, "E");
    const futures = data.pu !== undefined;
    return {
      kind: "diff",
      instrument: this.#instrument(textOf(data.s, "s"), futures, decimals),
      ns,
      receivedNs,
      ids: {
        first: wholeOf(data.U, "U"),
        last: wholeOf(data.u, "u"),
        previous: futures ? wholeOf(data.pu, "pu") : undefined,
      },
      bids: levelsOf(data.b, "b"),
      asks: levelsOf(data.a, "a"),
    };
  }

  #trade(data: Fields, receivedNs: bigint): SourceTrade {
    const { ns, decimals } = epochTime(data.T, "T");
    const futures = data.M === undefined; // only spot still sends it
    const kind = data.X ?? "MARKET";
    if (typeof data.m !== "boolean") throw new BrokenLine(`m is not true or false: ${shown(data.m)}`);
    return binanceTrade({
      instrument: this.#instrument(textOf(data.s, "s"), futures, decimals),
      ns,
      receivedNs,
      id: wholeOf(data.e === "trade" ? data.t : data.a, "the trade's id"),
      price: numberOf(data.p, "p"),
      size: numberOf(data.q, "q"),
      buyerIsMaker: data.m,
      ...(kind === "MARKET" ? {} : { excluded: String(kind) }),
    });
  }

  #ticker(data: Fields, receivedNs: bigint): SourceEvent {
    const at = data.T === undefined ? undefined : epochTime(data.T, "T");
    return {
      kind: "ticker",
      instrument: this.#instrument(textOf(data.s, "s"), at !== undefined, at?.decimals ?? 3),
      ns: at?.ns,
      receivedNs,
      bid: numberOf(data.b, "b"),
      ask: numberOf(data.a, "a"),
    };
  }

  #instrument(symbol: string, futures: boolean, decimals: TimeDecimals): Instrument {
    const source = futures ? "BINANCE-FUTURES" : "BINANCE";
    const last = this.#last;
    if (last?.symbol === symbol && last.source === source) return last;
    const key = `${source} ${symbol}`;
    const known = this.#instruments.get(key) ?? { symbol, source, decimals };
    this.#instruments.set(key, known);
    this.#last = known;
    return known;
  }
}

interface BinanceTrade {
  readonly instrument: Instrument;
  readonly ns: bigint;
  readonly receivedNs: bigint;
  readonly id: number;
  readonly price: number;
  readonly size: number;
  readonly buyerIsMaker: boolean;
  readonly excluded?: string;
}

export function binanceTrade({ buyerIsMaker, ...trade }: BinanceTrade): SourceTrade {
  const side: TradeSide = buyerIsMaker ? "sell" : "buy"; // the taker's
  return {
    kind: "trade",
    ...trade,
    consecutive: true,
    timestamp: isoOfNs(trade.ns, trade.instrument.decimals),
    side,
  };
}
