import type { MarketTrade } from "@tapedeck/market";
import { isoOfNs, type TradeSide } from "@tapedeck/protocol";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine, ImportRefused } from "../../import-errors.js";
import type { ReadContext } from "../format.js";
import { actions, type DatabentoRecord, flag } from "./record.js";
import { venueOf } from "./venues.js";

/** Turns the records of one file into events. */
export class DatabentoEvents {
  readonly #fileName: string;
  readonly #reading: ReadContext;
  readonly #instruments = new Map<string, Instrument>();
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
    if ((flags & flag.maybeBadBook) !== 0) {
      this.#reading.notice(
        `${this.#fileName}: its flags say that messages of the venue were lost (F_MAYBE_BAD_BOOK), so its book may be wrong there.`,
      );
    }
    const base = { instrument: this.#instrumentOf(record), ...timesOf(record) };
    const trades = action === "T" ? [tradeOf(record, base.ns)] : [];
    if (book === undefined) {
      for (const trade of trades) out.push({ kind: "trade", ...base, ...trade });
      if (trades.length === 0) this.#reading.ignore("record without a book that is not a trade");
    } else if ("bids" in book) out.push({ kind: "snapshot", ...base, bids: book.bids, asks: book.asks, trades });
  }

  #instrumentOf({ publisherId, instrumentId, symbol }: DatabentoRecord): Instrument {
    const key = `${publisherId} ${instrumentId} ${symbol ?? ""}`;
    const known = this.#instruments.get(key);
    if (known !== undefined) return known;
    const made: Instrument = {
      symbol: symbol ?? this.#nameOf(instrumentId),
      source: venueOf(publisherId),
      decimals: 9,
    };
    this.#instruments.set(key, made);
    return made;
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

function timesOf({ eventNs, receivedNs, flags }: DatabentoRecord): { ns: bigint; receivedNs: bigint } {
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
