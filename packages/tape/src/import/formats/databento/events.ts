import type { MarketTrade } from "@tapedeck/market";
import { isoOfNs, type TradeSide } from "@tapedeck/protocol";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine, ImportRefused } from "../../import-errors.js";
import type { ReadContext } from "../format.js";
import { OrderEvents } from "./order-events.js";
import { actions, type DatabentoRecord, flag, type RecordTimes } from "./record.js";
import { venueOf } from "./venues.js";

/** What a file has of one instrument. */
interface Known {
  readonly instrument: Instrument;
  /** The name that its records gave it last; undefined if they don't name it. */
  readonly symbol: string | undefined;
  /** Not the one that `--symbol` asks for. */
  readonly unwanted: boolean;
}

/** Turns the records of one file into events. */
export class DatabentoEvents {
  readonly #fileName: string;
  readonly #reading: ReadContext;
  /** By publisher and instrument id. */
  readonly #known = new Map<number, Known>();
  /** By source and symbol: an instrument of a continuous symbol has several ids, one after the other. */
  readonly #instruments = new Map<string, Instrument>();
  readonly #orders = new Map<Instrument, OrderEvents>();
  /** The instrument that `--symbol` names, because the file doesn't. */
  #named: number | undefined;

  constructor(fileName: string, reading: ReadContext) {
    this.#fileName = fileName;
    this.#reading = reading;
  }

  /** Adds the record's events to `out`. Throws `BrokenLine`. */
  push(record: DatabentoRecord, out: SourceEvent[]): void {
    const { action, flags, book } = record;
    if (action.length !== 1 || !actions.includes(action)) {
      throw new BrokenLine(`the action ${JSON.stringify(action)} is none of ${[...actions].join(", ")}`);
    }
    if (!"ABN".includes(record.side) || record.side.length !== 1) {
      throw new BrokenLine(`the side ${JSON.stringify(record.side)} is none of A, B, N`);
    }
    const times = timesOf(record);
    const { instrument, unwanted } = this.#knownOf(record, times, out);
    if (unwanted) return;
    if ((flags & (flag.maybeBadBook | flag.badReceiveTime)) !== 0) this.#noteQuality(flags);
    const base = { instrument, ...times, sequence: record.sequence };
    const trades = action === "T" ? [tradeOf(record, times.ns)] : [];
    if (book !== undefined && "bids" in book) {
      out.push({ kind: "snapshot", ...base, ...book, trades });
      return;
    }
    const trade = trades.map((one): SourceEvent => ({ kind: "trade", ...base, ...one }));
    if (book !== undefined) this.#ordersOf(instrument).push(record, book.orderId, times, trade, out);
    else if (trade.length === 0) this.#reading.ignore("record without a book that is not a trade");
    else out.push(...trade);
  }

  /** Adds the events that the file's end completes. */
  end(out: SourceEvent[]): void {
    for (const orders of this.#orders.values()) orders.end(out);
  }

  #ordersOf(instrument: Instrument): OrderEvents {
    const orders = this.#orders.get(instrument) ?? new OrderEvents(instrument, this.#fileName, this.#reading);
    this.#orders.set(instrument, orders);
    return orders;
  }

  #noteQuality(flags: number): void {
    if ((flags & flag.maybeBadBook) !== 0) {
      this.#reading.notice(
        `${this.#fileName}: its flags say that messages of the venue were lost (F_MAYBE_BAD_BOOK), so its book may be wrong there.`,
      );
    }
    if ((flags & flag.badReceiveTime) !== 0) {
      this.#reading.notice(`${this.#fileName}: its flags say that some receive times are inaccurate (F_BAD_TS_RECV).`);
    }
  }

  // HOT: once per record.
  #knownOf(record: DatabentoRecord, times: RecordTimes, out: SourceEvent[]): Known {
    const { publisherId, instrumentId, symbol } = record;
    const key = publisherId * 2 ** 32 + instrumentId;
    const known = this.#known.get(key);
    if (known !== undefined && known.symbol === symbol) return known;
    const instrument = this.#instrumentOf(record);
    const { symbol: asked } = this.#reading;
    const unwanted = asked !== undefined && asked.toUpperCase() !== instrument.symbol.toUpperCase();
    // The import refuses a symbol that no file has with the names of those that they have.
    if (unwanted) out.push({ kind: "diff", instrument, ...times, bids: [], asks: [] });
    const made = { instrument, symbol, unwanted };
    this.#known.set(key, made);
    return made;
  }

  #instrumentOf({ publisherId, instrumentId, symbol = this.#nameOf(instrumentId) }: DatabentoRecord): Instrument {
    const source = venueOf(publisherId);
    const key = `${source} ${symbol}`;
    const instrument = this.#instruments.get(key) ?? { symbol, source, decimals: 9 };
    this.#instruments.set(key, instrument);
    return instrument;
  }

  /** The name of an instrument that the file knows by its id only: the id, or what `--symbol` calls the only one. */
  #nameOf(instrumentId: number): string {
    const { symbol } = this.#reading;
    if (symbol === undefined || /^\d+$/.test(symbol)) return String(instrumentId);
    this.#named ??= instrumentId;
    if (this.#named === instrumentId) return symbol.toUpperCase();
    throw new ImportRefused(
      `${this.#fileName} names its instruments by id only and has several (${this.#named} and ${instrumentId}): --symbol must be one of these ids.`,
    );
  }
}

function timesOf({ eventNs, receivedNs, flags }: DatabentoRecord): RecordTimes {
  // An order in a snapshot has the time at which it was placed.
  const ns = (flags & flag.snapshot) !== 0 ? (receivedNs ?? eventNs) : (eventNs ?? receivedNs);
  if (ns === undefined) throw new BrokenLine("it has neither ts_event nor ts_recv");
  return { ns, receivedNs: receivedNs ?? ns };
}

function tradeOf({ price, size, side }: DatabentoRecord, ns: bigint): MarketTrade {
  if (price === undefined) throw new BrokenLine("a trade has no price");
  return { timestamp: isoOfNs(ns, 9), price, size, side: takers[side] ?? "unknown" };
}

const takers: Readonly<Record<string, TradeSide>> = { A: "sell", B: "buy" };
