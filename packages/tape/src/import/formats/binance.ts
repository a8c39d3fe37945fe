import type { SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { BinanceMessages } from "../messages/binance-messages.js";
import { epochTime, type Fields, isFields, parseJson, secondsNs } from "../messages/fields.js";
import type { Format } from "./format.js";
import { type LineParser, lineStream } from "./format.js";

/**
 * `RECEIVE_TIME SPACE JSON`, as hftbacktest's recorders write it, with the time in milliseconds, microseconds or nanoseconds, or in
 * seconds with decimals; or the JSON alone.
 */
const messageLine = /^(?:(?:\d{13,19}|\d{9,10}(?:\.\d+)?) )?\{/;
const ownMessage = /"stream":\s*"\w+@|"lastUpdateId":\s*\d|"e":\s*"(?:depthUpdate|trade|aggTrade)"/;

export function splitReceived(text: string): { receivedNs: bigint; json: string } {
  const space = text.indexOf(" ");
  if (space < 0) throw new BrokenLine("a line must be a receive time, a space and a message");
  const time = text.slice(0, space);
  const seconds = time.length <= 10 || time.includes(".");
  const receivedNs = seconds ? secondsNs(time, "the receive time") : epochTime(time, "the receive time").ns;
  return { receivedNs, json: text.slice(space + 1) };
}

export const binance: Format = {
  name: "binance",
  about:
    "Binance's messages (spot and futures), with or without a receive time before each, one per line or as JSON array: depth, trade, bookTicker, REST depth",
  recognises: ({ head }) => head.some((line) => messageLine.test(line) && ownMessage.test(line)),
  streams: (files, reading) =>
    files.map((file) => lineStream(file, new RawBinance(reading.symbol, reading.ignore), reading)),
};

/** The response to a depth request, which lacks the symbol and, for spot, the time. */
interface DepthResponse {
  readonly data: Fields;
  /** Undefined: the receive time of the next message. */
  readonly receivedNs: bigint | undefined;
}

class RawBinance implements LineParser {
  readonly #messages = new BinanceMessages();
  readonly #ignore: (kind: string) => void;
  /** The market of the file's messages; depth responses don't name theirs. */
  #market: { symbol: string; futures: boolean } | undefined;
  /** Receive time of the last message. */
  #receivedNs: bigint | undefined;
  readonly #requestedSymbol: string | undefined;
  readonly #unassigned: DepthResponse[] = [];

  constructor(asked: string | undefined, ignore: (kind: string) => void) {
    this.#requestedSymbol = asked;
    this.#ignore = ignore;
  }

  line(text: string, out: SourceEvent[]): void {
    const { message, receivedNs } = this.#read(text);
    this.#receivedNs = receivedNs ?? this.#receivedNs;
    if (message.lastUpdateId !== undefined) {
      this.#unassigned.push({ data: message, receivedNs: this.#receivedNs });
      this.#assign(out);
      return;
    }
    const first = out.length;
    const ignored = this.#messages.read(message, this.#receivedNs ?? 0n, out);
    if (ignored !== undefined) this.#ignore(ignored);
    const instrument = out[first]?.instrument;
    if (this.#market === undefined && instrument !== undefined) {
      this.#market = { symbol: instrument.symbol, futures: instrument.source === "BINANCE-FUTURES" };
    }
    if (this.#unassigned.length > 0) this.#assign(out);
  }

  end(out: SourceEvent[]): void {
    // Only depth responses: those of futures have times.
    const futures = this.#unassigned.some(({ data }) => data.T !== undefined);
    this.#market ??= { symbol: this.#requestedSymbol?.toUpperCase() ?? "UNKNOWN", futures };
    this.#assign(out);
    for (const _ of this.#unassigned) this.#ignore("book without a time");
  }

  #read(text: string): { message: Fields; receivedNs: bigint | undefined } {
    if (text.startsWith("{")) {
      const message = parseJson(text);
      return { message, receivedNs: sentNs(message) };
    }
    const { receivedNs, json } = splitReceived(text);
    return { message: parseJson(json), receivedNs };
  }

  /** Emits the depth responses whose market and time are now known. */
  #assign(out: SourceEvent[]): void {
    const market = this.#market;
    if (market === undefined || this.#receivedNs === undefined) return;
    for (const { data, receivedNs = this.#receivedNs } of this.#unassigned.splice(0)) {
      out.push(this.#messages.snapshot(data, market, receivedNs));
    }
  }
}

/** When Binance sent a message: the best substitute for the receive time. */
function sentNs(message: Fields): bigint | undefined {
  const data = isFields(message.data) ? message.data : message;
  const sent = data.E ?? data.T;
  return sent === undefined ? undefined : epochTime(sent, "E").ns;
}
