import type { BookLevel } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import type { SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { NumberChain } from "./book-chain.js";
import {
  epochTime,
  type Fields,
  fieldsOf,
  listOf,
  numberOf,
  shown,
  sizeOf,
  textOf,
  wholeBookNs,
  wholeOf,
} from "./fields.js";
import { Instruments, PerBook } from "./instruments.js";

/**
 * https://docs.deribit.com/#book-instrument_name-interval: a whole book, then changes of which each names its predecessor
 * (`prev_change_id`).
 */
export class DeribitMessages {
  readonly #instruments = new Instruments("DERIBIT", 3);
  readonly #chains = new PerBook(() => new NumberChain());

  /** A new connection: updates may be missing until each book is sent again. */
  connected(): void {
    for (const chain of this.#chains.values()) chain.interrupt();
  }

  /** Adds a message's events to `out`, or returns the kind of a message that a tape does not need. */
  read(message: unknown, receivedNs: bigint, out: SourceEvent[]): string | undefined {
    const { method, params } = fieldsOf(message, "the message");
    if (method === undefined) return "answer to a subscription";
    if (method !== "subscription") return textOf(method, "method");
    const { channel, data } = fieldsOf(params, "params");
    const [kind = ""] = textOf(channel, "channel").split(".");
    if (kind === "book") out.push(this.#book(fieldsOf(data, "data"), receivedNs));
    else if (kind === "trades") {
      for (const row of listOf(data, "data")) out.push(this.#trade(fieldsOf(row, "a trade"), receivedNs));
    } else return kind;
    return undefined;
  }

  #book(data: Fields, receivedNs: bigint): SourceEvent {
    const symbol = textOf(data.instrument_name, "instrument_name");
    const { ns } = epochTime(data.timestamp, "timestamp");
    const id = wholeOf(data.change_id, "change_id");
    const event = {
      instrument: this.#instruments.of(symbol),
      receivedNs,
      bids: changesOf(data.bids, "bids"),
      asks: changesOf(data.asks, "asks"),
    };
    const chain = this.#chains.of(symbol);
    if (data.prev_change_id === undefined) {
      return { kind: "snapshot", ns: wholeBookNs(ns, receivedNs, 3), ...event, sequence: id, link: chain.whole(id) };
    }
    const previous = wholeOf(data.prev_change_id, "prev_change_id");
    return { kind: "diff", ns, ...event, ids: { first: id, last: id, previous }, link: chain.update(previous, id) };
  }

  #trade(row: Fields, receivedNs: bigint): SourceEvent {
    if (row.direction !== "buy" && row.direction !== "sell") {
      throw new BrokenLine(`direction is neither buy nor sell: ${shown(row.direction)}`);
    }
    const { ns } = epochTime(row.timestamp, "timestamp");
    return {
      kind: "trade",
      instrument: this.#instruments.of(textOf(row.instrument_name, "instrument_name")),
      ns,
      receivedNs,
      id: textOf(row.trade_id, "trade_id"),
      timestamp: isoOfNs(ns, 3),
      price: numberOf(row.price, "price"),
      size: numberOf(row.amount, "amount"),
      side: row.direction,
      // Block trades do not take from the book.
      ...(row.block_trade_id === undefined ? {} : { excluded: "block trade" }),
    };
  }
}

/** `[["new",6421.5,18640],["delete",6420,0], ...]` */
function changesOf(value: unknown, name: string): BookLevel[] {
  return listOf(value, name).map((row) => {
    const [action, price, amount] = listOf(row, name);
    if (action !== "new" && action !== "change" && action !== "delete") {
      throw new BrokenLine(`a change in ${name} is neither new, change nor delete: ${shown(action)}`);
    }
    return [numberOf(price, `a price in ${name}`), action === "delete" ? 0 : sizeOf(amount, `an amount in ${name}`)];
  });
}
