import type { SourceEvent } from "../../events/source-event.js";
import { BrokenLine } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { BinanceMessages } from "../../messages/binance-messages.js";
import { readBitmexMessage } from "../../messages/bitmex-messages.js";
import { readCoinbaseMessage } from "../../messages/coinbase-messages.js";
import { parseJson, parseJsonValue, secondsNs, shown } from "../../messages/fields.js";
import type { EventStream, Format, ReadContext } from "../format.js";
import { type LineParser, lineStream } from "../format.js";
import { connectionsOf } from "./connections.js";
import { readerOf, sourceNotice, type VenueReader } from "./cryptofeed-venues.js";

/** `SECONDS: JSON` is a received message, `wss://...` a sent one, `https://URL -> SECONDS: JSON` a request with its response. */
const receivedLine = /^(\d{9,11}(?:\.\d+)?): ([{[].*)$/;
const requestLine = /^https:\/\/(\S+) -> (\d{9,11}(?:\.\d+)?): (.*)$/;
/** `wss://HOST/... <-> SECONDS`: a new connection. */
const connectedLine = /^wss:\S+ <-> (\d{9,11}(?:\.\d+)?)$/;

export const cryptofeed: Format = {
  name: "cryptofeed",
  about:
    "cryptofeed's raw dumps of Binance, Coinbase, BitMEX, Bitfinex, Bybit, Deribit, Kraken and OKX; requests may be in a separate file",
  recognises: ({ head }) => head.some((line) => receivedLine.test(line) || requestLine.test(line)),
  streams: (files, reading) =>
    connectionsOf(files).map((parts) => {
      for (const file of parts) {
        const notice = sourceNotice(file);
        if (notice !== undefined) reading.notice(notice);
      }
      return oneAfterAnother(parts, new CryptofeedLines(parts.map(readerOf).find(Boolean), reading.ignore), reading);
    }),
};

/** What one file says of the connection holds for the next one. */
async function* oneAfterAnother(
  files: readonly RecordingFile[],
  parser: LineParser,
  reading: ReadContext,
): EventStream {
  for (const file of files) yield* lineStream(file, parser, reading);
}

class CryptofeedLines implements LineParser {
  readonly #binance = new BinanceMessages();
  /** Undefined for venues whose messages tell by their form whose they are. */
  readonly #reader: VenueReader | undefined;
  readonly #ignore: (kind: string) => void;
  /** Nanoseconds since 1970; undefined if the dump does not have it. */
  #connectedNs: bigint | undefined;

  constructor(reader: VenueReader | undefined, ignore: (kind: string) => void) {
    this.#reader = reader;
    this.#ignore = ignore;
  }

  line(text: string, out: SourceEvent[]): void {
    if (text.startsWith("wss://")) {
      this.#connection(text);
      return;
    }
    if (text.startsWith("configuration: ")) return; // what the recorder was asked for
    if (text.startsWith("https://")) {
      this.#request(text, out);
      return;
    }
    const colon = text.indexOf(": ");
    if (colon < 0) {
      throw new BrokenLine(`a line must be a receive time, a colon, a space and a message, not ${shown(text)}`);
    }
    const receivedNs = secondsNs(text.slice(0, colon), "the receive time");
    const body = text.slice(colon + 2);
    const ignored = body === "pong" ? "pong" : this.#message(body, receivedNs, out);
    if (ignored !== undefined) this.#ignore(ignored);
  }

  #message(body: string, receivedNs: bigint, out: SourceEvent[]): string | undefined {
    const first = out.length;
    if (this.#reader !== undefined) {
      const ignored = this.#reader.read(parseJsonValue(body), receivedNs, out);
      this.#excludeEarlier(out, first);
      return ignored;
    }
    const message = parseJson(body);
    if (message.stream !== undefined) return this.#binance.read(message, receivedNs, out);
    if (message.table !== undefined || message.info !== undefined || message.subscribe !== undefined) {
      return readBitmexMessage(message, receivedNs, out);
    }
    return readCoinbaseMessage(message, receivedNs, out);
  }

  /** Some venues answer a subscription with trades of before. */
  #excludeEarlier(out: SourceEvent[], first: number): void {
    const connectedNs = this.#connectedNs;
    if (connectedNs === undefined) return;
    for (let at = first; at < out.length; at++) {
      const event = out[at];
      if (event?.kind !== "trade" || event.ns === undefined || event.ns >= connectedNs) continue;
      out[at] = { ...event, excluded: event.excluded ?? "from before the recording" };
    }
  }

  #connection(text: string): void {
    const seconds = connectedLine.exec(text)?.[1];
    if (seconds === undefined) return; // a message that was sent
    this.#connectedNs = secondsNs(seconds, "the time of the connection");
    this.#reader?.connected();
  }

  #request(text: string, out: SourceEvent[]): void {
    const [, url = "", seconds, json] = requestLine.exec(text) ?? [];
    const symbol = /\/depth\?(?:.*&)?symbol=(\w+)/.exec(url)?.[1];
    if (seconds === undefined || json === undefined || symbol === undefined) {
      this.#ignore("request other than for a book");
      return;
    }
    const market = { symbol, futures: url.includes("/fapi/") || url.includes("/dapi/") };
    out.push(this.#binance.snapshot(parseJson(json), market, secondsNs(seconds, "the receive time")));
  }
}
