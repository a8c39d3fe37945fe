import type { BookLevel } from "@tapedeck/market";
import { isoOfNs, type TimeDecimals } from "@tapedeck/protocol";
import type { SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { NumberChain } from "./book-chain.js";
import {
  depthOf,
  epochTime,
  type Fields,
  fieldsOf,
  levelsOf,
  listOf,
  numberOf,
  shown,
  sizeOf,
  textOf,
  wholeBookNs,
  wholeOf,
} from "./fields.js";
import { Instruments, PerBook } from "./instruments.js";

/** Books of the API before version 5, with their levels a side. */
const oldBook = /^orderBook(?:L2)?_([1-9]\d{0,4})$/;

/**
 * https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook: a whole book, then deltas whose ids run on from it; the venue may
 * send a whole book again at any time. Also the messages of the API before version 5 (`orderBookL2_25`, `trade`), whose books had no
 * numbers that tell what is missing.
 */
export class BybitMessages {
  readonly #instruments: Instruments;
  readonly #oldInstruments: Instruments;
  readonly #chains = new PerBook(() => new NumberChain());

  /** @param source `BYBIT` or, for spot, `BYBIT-SPOT`: messages do not say it */
  constructor(source: string, decimals: TimeDecimals = 3) {
    this.#instruments = new Instruments(source, decimals);
    this.#oldInstruments = new Instruments(source, 6);
  }

  /** A new connection: updates may be missing until each book is sent again. */
  connected(): void {
    for (const chain of this.#chains.values()) chain.interrupt();
  }

  /** Adds a message's events to `out`, or returns the kind of a message that a tape does not need. */
  read(message: unknown, receivedNs: bigint, out: SourceEvent[]): string | undefined {
    const fields = fieldsOf(message, "the message");
    if (fields.topic === undefined) return "answer to a subscription";
    const topic = textOf(fields.topic, "topic");
    const [kind = "", depth = ""] = topic.split(".");
    const oldDepth = oldBook.exec(kind)?.[1];
    if (kind === "orderbook") out.push(this.#book(fields, depthOf(depth, "the depth in the topic"), receivedNs));
    else if (kind === "publicTrade") this.#eachTrade(fields, (row) => out.push(this.#trade(row, receivedNs)));
    else if (oldDepth !== undefined) out.push(this.#oldBook(fields, topic, Number(oldDepth), receivedNs));
    else if (kind === "trade") this.#eachTrade(fields, (row) => out.push(this.#oldTrade(row, receivedNs)));
    else return kind;
    return undefined;
  }

  #book(fields: Fields, depth: number, receivedNs: bigint): SourceEvent {
    const data = fieldsOf(fields.data, "data");
    const symbol = textOf(data.s, "s");
    const id = wholeOf(data.u, "u");
    const whole = fields.type === "snapshot";
    if (!whole && fields.type !== "delta") throw notOneOf("type", fields.type, "snapshot nor delta");
    // `cts` is the time of the matching engine, `ts` the time of sending.
    const { ns } = epochTime(fields.cts ?? fields.ts, "ts");
    const event = {
      instrument: this.#instruments.of(symbol),
      ns: whole ? wholeBookNs(ns, receivedNs, 3) : ns,
      receivedNs,
      bids: levelsOf(data.b, "b"),
      asks: levelsOf(data.a, "a"),
      depth,
    };
    const chain = this.#chains.of(symbol);
    if (whole) return { kind: "snapshot", ...event, sequence: id, link: chain.whole(id) };
    return { kind: "diff", ...event, ids: { first: id, last: id }, link: chain.update(id - 1, id) };
  }

  #trade(row: Fields, receivedNs: bigint): SourceEvent {
    const { ns } = epochTime(row.T, "T");
    return {
      kind: "trade",
      instrument: this.#instruments.of(textOf(row.s, "s")),
      ns,
      receivedNs,
      id: textOf(row.i, "i"),
      timestamp: isoOfNs(ns, 3),
      price: numberOf(row.p, "p"),
      size: numberOf(row.v, "v"),
      side: sideOf(row.S, "S"),
      // Block trades do not take from the book.
      ...(row.BT === true ? { excluded: "block trade" } : {}),
    };
  }

  /** `{"topic":"orderBookL2_25.BTCUSD","type":"delta","data":{"delete":[...],"update":[...],"insert":[...]},"timestamp_e6":...}` */
  #oldBook(fields: Fields, topic: string, depth: number, receivedNs: bigint): SourceEvent {
    const event = {
      instrument: this.#oldInstruments.of(topic.slice(topic.lastIndexOf(".") + 1)),
      ns: epochTime(fields.timestamp_e6, "timestamp_e6").ns,
      receivedNs,
      depth,
    };
    const { data } = fields;
    if (fields.type === "snapshot") {
      const rows = Array.isArray(data) ? data : listOf(fieldsOf(data, "data").order_book, "order_book");
      return { kind: "snapshot", ...event, ...sidesOf(rows, false) };
    }
    if (fields.type !== "delta") throw notOneOf("type", fields.type, "snapshot nor delta");
    const parts = fieldsOf(data, "data");
    const removed = sidesOf(listOf(parts.delete, "delete"), true);
    const set = sidesOf([...listOf(parts.update, "update"), ...listOf(parts.insert, "insert")], false);
    return { kind: "diff", ...event, bids: [...removed.bids, ...set.bids], asks: [...removed.asks, ...set.asks] };
  }

  #oldTrade(row: Fields, receivedNs: bigint): SourceEvent {
    const { ns } = epochTime(row.trade_time_ms, "trade_time_ms");
    return {
      kind: "trade",
      instrument: this.#oldInstruments.of(textOf(row.symbol, "symbol")),
      ns,
      receivedNs,
      id: textOf(row.trade_id, "trade_id"),
      timestamp: isoOfNs(ns, 3),
      price: numberOf(row.price, "price"),
      size: numberOf(row.size, "size"),
      side: sideOf(row.side, "side"),
    };
  }

  #eachTrade({ data }: Fields, take: (row: Fields) => void): void {
    for (const row of listOf(data, "data")) take(fieldsOf(row, "a trade"));
  }
}

function sidesOf(rows: readonly unknown[], removed: boolean): { bids: BookLevel[]; asks: BookLevel[] } {
  const bids: BookLevel[] = [];
  const asks: BookLevel[] = [];
  for (const item of rows) {
    const row = fieldsOf(item, "a level");
    const level: BookLevel = [numberOf(row.price, "price"), removed ? 0 : sizeOf(row.size, "size")];
    (sideOf(row.side, "side") === "buy" ? bids : asks).push(level);
  }
  return { bids, asks };
}

function sideOf(value: unknown, name: string): "buy" | "sell" {
  if (value !== "Buy" && value !== "Sell") throw notOneOf(name, value, "Buy nor Sell");
  return value === "Buy" ? "buy" : "sell";
}

function notOneOf(name: string, value: unknown, accepted: string): BrokenLine {
  return new BrokenLine(`${name} is neither ${accepted}: ${shown(value)}`);
}
