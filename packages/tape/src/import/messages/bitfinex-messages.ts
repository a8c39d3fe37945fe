import type { BookLevel, DepthLink } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import type { Instrument, SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { depthOf, epochTime, type Fields, fieldsOf, listOf, numberOf, textOf, wholeOf } from "./fields.js";
import { Instruments, PerBook } from "./instruments.js";

/** The flag by which a client asks that all messages of the connection be numbered. */
const numberedFlag = 65_536;

interface Channel {
  readonly kind: "book" | "trades";
  readonly instrument: Instrument;
  /** Levels a side of a book. */
  readonly depth: number | undefined;
}

/**
 * https://docs.bitfinex.com/docs/ws-general: messages of channels, which the answers to the subscriptions number. If the client asked for
 * it, as cryptofeed does, all messages of a connection are numbered 1, 2, 3, ..., so that a missing one makes every book doubtful.
 * Books have no time: they, and the trades between them, have the receive time.
 */
export class BitfinexMessages {
  /** The receive time is a double of seconds, exact to microseconds. */
  readonly #instruments = new Instruments("BITFINEX", 6);
  readonly #channels = new Map<number, Channel>();
  /** Channels that a tape does not need, with their kinds. */
  readonly #others = new Map<number, string>();
  #numbered = false;
  #lastNumber: number | undefined;
  /** How often messages were missing so far; for each book, how often when it was last in order. */
  #missed = 0;
  readonly #missedBefore = new PerBook<{ missed: number | undefined }>(() => ({ missed: undefined }));

  /** A new connection, with channels and numbers of its own: updates may be missing until each book is sent again. */
  connected(): void {
    this.#missed++;
    this.#channels.clear();
    this.#others.clear();
    this.#numbered = false;
    this.#lastNumber = undefined;
  }

  /** Adds a message's events to `out`, or returns the kind of a message that a tape does not need. */
  read(message: unknown, receivedNs: bigint, out: SourceEvent[]): string | undefined {
    if (!Array.isArray(message)) return this.#event(fieldsOf(message, "the message"));
    if (this.#numbered) this.#noteNumber(wholeOf(message.at(-1), "the number at the message's end"));
    const id = wholeOf(message[0], "the channel");
    const channel = this.#channels.get(id);
    if (channel === undefined)
      return this.#others.get(id) ?? "message of a channel whose subscription is not in the dump";
    const [, content, trade] = message;
    if (content === "hb") return "heartbeat";
    if (content === "cs") return "checksum";
    if (channel.kind === "book") this.#book(listOf(content, "the book"), channel, receivedNs, out);
    else if (content === "te") out.push(tradeOf(trade, channel.instrument, receivedNs, {}));
    else if (content === "tu") return "trade confirmed";
    else {
      for (const row of listOf(content, "trades")) {
        out.push(tradeOf(row, channel.instrument, receivedNs, { excluded: "from before the recording" }));
      }
    }
    return undefined;
  }

  #event(message: Fields): string {
    const event = textOf(message.event, "event");
    if (event === "conf") this.#numbered = (wholeOf(message.flags ?? 0, "flags") & numberedFlag) !== 0;
    if (event !== "subscribed") return event;
    const id = wholeOf(message.chanId, "chanId");
    const channel = textOf(message.channel, "channel");
    const symbol = textOf(message.symbol ?? message.key, "symbol");
    // `R0` is a book of orders; `fUSD` is a currency that is lent.
    if (!symbol.startsWith("t") || message.prec === "R0") this.#others.set(id, `${channel} of ${symbol}`);
    else if (channel !== "book" && channel !== "trades") this.#others.set(id, channel);
    else {
      const depth = channel === "book" && message.len !== undefined ? depthOf(message.len, "len") : undefined;
      this.#channels.set(id, { kind: channel, instrument: this.#instruments.of(symbol.slice(1)), depth });
    }
    return event;
  }

  #noteNumber(number: number): void {
    if (this.#lastNumber !== undefined && number > this.#lastNumber + 1) this.#missed++;
    this.#lastNumber = number;
  }

  /** `[[price, count, amount], ...]` is a whole book, `[price, count, amount]` a change. */
  #book(content: readonly unknown[], channel: Channel, receivedNs: bigint, out: SourceEvent[]): void {
    const whole = content.every(Array.isArray);
    const bids: BookLevel[] = [];
    const asks: BookLevel[] = [];
    for (const row of whole ? content : [content]) {
      const [price, count, amount] = listOf(row, "a level").map((field) => numberOf(field, "a field of a level"));
      if (price === undefined || count === undefined || amount === undefined) {
        throw new BrokenLine("a level is too short: it must have a price, a count and an amount");
      }
      (amount > 0 ? bids : asks).push([price, count > 0 ? Math.abs(amount) : 0]);
    }
    const { instrument, depth } = channel;
    const before = this.#missedBefore.of(instrument.symbol);
    const link: DepthLink = (before.missed ?? this.#missed) === this.#missed ? "follows" : "broken";
    before.missed = this.#missed;
    const ns = cutToMicroseconds(receivedNs);
    const event = { instrument, ns, receivedNs, bids, asks, depth, link };
    const sequence = this.#lastNumber;
    out.push({ kind: whole ? "snapshot" : "diff", ...event, sequence });
  }
}

function tradeOf(row: unknown, instrument: Instrument, receivedNs: bigint, more: { excluded?: string }): SourceEvent {
  const [id, time, amount, price] = listOf(row, "a trade");
  const size = numberOf(amount, "amount");
  return {
    kind: "trade",
    instrument,
    ns: cutToMicroseconds(receivedNs),
    receivedNs,
    id: wholeOf(id, "the trade's id"),
    timestamp: isoOfNs(epochTime(time, "the trade's time").ns, 3),
    price: numberOf(price, "price"),
    size: Math.abs(size),
    side: size > 0 ? "buy" : "sell",
    ...more,
  };
}

function cutToMicroseconds(ns: bigint): bigint {
  return ns - (ns % 1_000n);
}
