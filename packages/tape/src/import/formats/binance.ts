import type { SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { BinanceMessages } from "../messages/binance-messages.js";
import { epochTime, type Fields, isFields, parseJson, secondsNs } from "../messages/fields.js";
import type { Format } from "./format.js";
import { type LineParser, lineStream } from "./format.js";

/**
 * `RECEIVE_TIME SPACE JSON`, as hftbacktest's recorders write it; the time in milliseconds, microseconds or nanoseconds, or in
 * seconds with decimals. Or the JSON alone.
 */
const messageLine = /^(?:(?:\d{13,19}|\d{9,10}(?:\.\d+)?) )?\{/;
const ownMessage = /"stream":\s*"\w+@|"lastUpdateId":\s*\d|"e":\s*"(?:depthUpdate|trade|aggTrade)"/;

export function splitReceived(text: string): { receivedNs: bigint; json: string } {
  const space = text.indexOf(" ");
  if (space < 0) throw new BrokenLine("no receive time and message with a space between");
  const time = text.slice(0, space);
  const seconds = time.length <= 10 || time.includes(".");
  const receivedNs = seconds ? secondsNs(time, "the receive time") : epochTime(time, "the receive time").ns;
  return { receivedNs, json: text.slice(space + 1) };
}

export const binance: Format = {
  name: "binance",
  about:
    "Binance's own messages (spot and futures), with a receive time before each or without, one a line or as JSON array: depth, trade, bookTicker, REST depth",
  recognises: ({ head }) => head.some((line) => messageLine.test(line) && ownMessage.test(line)),
  streams: (files, reading) =>
    files.map((file) => lineStream(file, new RawBinance(reading.symbol, reading.ignore), reading)),
};

/** The answer of a depth request, which names no symbol and, in spot, no time. */
interface Answer {
  readonly data: Fields;
  /** Undefined: as late as the next message. */
  readonly receivedNs: bigint | undefined;
}

class RawBinance implements LineParser {
  readonly #messages = new BinanceMessages();
  readonly #ignore: (kind: string) => void;
  /** That of the file's messages: the answer of a depth request names none. */
  #market: { symbol: string; futures: boolean } | undefined;
  /** When the last message was heard. */
  #receivedNs: bigint | undefined;
  readonly #asked: string | undefined;
  readonly #nameless: Answer[] = [];

  constructor(asked: string | undefined, ignore: (kind: string) => void) {
    this.#asked = asked;
    this.#ignore = ignore;
  }

  line(text: string, out: SourceEvent[]): void {
    const { message, receivedNs } = this.#read(text);
    this.#receivedNs = receivedNs ?? this.#receivedNs;
    if (message.lastUpdateId !== undefined) {
      this.#nameless.push({ data: message, receivedNs: this.#receivedNs });
      this.#name(out);
      return;
    }
    const first = out.length;
    const ignored = this.#messages.read(message, this.#receivedNs ?? 0n, out);
    if (ignored !== undefined) this.#ignore(ignored);
    const instrument = out[first]?.instrument;
    if (this.#market === undefined && instrument !== undefined) {
      this.#market = { symbol: instrument.symbol, futures: instrument.source === "BINANCE-FUTURES" };
    }
    if (this.#nameless.length > 0) this.#name(out);
  }

  end(out: SourceEvent[]): void {
    // Nothing but answers: those of futures carry times.
    const futures = this.#nameless.some(({ data }) => data.T !== undefined);
    this.#market ??= { symbol: this.#asked?.toUpperCase() ?? "UNKNOWN", futures };
    this.#name(out);
    for (const _ of this.#nameless) this.#ignore("book without a time");
  }

  #read(text: string): { message: Fields; receivedNs: bigint | undefined } {
    if (text.startsWith("{")) {
      const message = parseJson(text);
      return { message, receivedNs: sentNs(message) };
    }
    const { receivedNs, json } = splitReceived(text);
    return { message: parseJson(json), receivedNs };
  }

  /** Hands on the answers whose market and time are known now. */
  #name(out: SourceEvent[]): void {
    const market = this.#market;
    if (market === undefined || this.#receivedNs === undefined) return;
    for (const { data, receivedNs = this.#receivedNs } of this.#nameless.splice(0)) {
      out.push(this.#messages.snapshot(data, market, receivedNs));
    }
  }
}

/** When Binance sent a message: the next best thing to when it was received. */
function sentNs(message: Fields): bigint | undefined {
  const data = isFields(message.data) ? message.data : message;
  const sent = data.E ?? data.T;
  return sent === undefined ? undefined : epochTime(sent, "E").ns;
}
