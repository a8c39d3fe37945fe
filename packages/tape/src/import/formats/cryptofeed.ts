import type { SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { BinanceMessages } from "../messages/binance-messages.js";
import { readBitmexMessage } from "../messages/bitmex-messages.js";
import { readCoinbaseMessage } from "../messages/coinbase-messages.js";
import { parseJson, secondsNs, shown } from "../messages/fields.js";
import { sourceNotice } from "./cryptofeed-venues.js";
import type { Format } from "./format.js";
import { type LineParser, lineStream } from "./format.js";

/** `SECONDS: JSON` is a received message, `wss://...` a sent one, `https://URL -> SECONDS: JSON` a request with its response. */
const receivedLine = /^(\d{9,11}(?:\.\d+)?): ([{[].*)$/;
const requestLine = /^https:\/\/(\S+) -> (\d{9,11}(?:\.\d+)?): (.*)$/;

export const cryptofeed: Format = {
  name: "cryptofeed",
  about: "cryptofeed's raw dumps of Binance futures, Coinbase and BitMEX; requests may be in a separate file",
  recognises: ({ head }) => head.some((line) => receivedLine.test(line) || requestLine.test(line)),
  streams: (files, reading) =>
    files.map((file) => {
      const notice = sourceNotice(file);
      if (notice !== undefined) reading.notice(notice);
      return lineStream(file, new CryptofeedLines(reading.ignore), reading);
    }),
};

class CryptofeedLines implements LineParser {
  readonly #binance = new BinanceMessages();
  readonly #ignore: (kind: string) => void;

  constructor(ignore: (kind: string) => void) {
    this.#ignore = ignore;
  }

  line(text: string, out: SourceEvent[]): void {
    if (text.startsWith("wss://")) return;
    if (text.startsWith("https://")) {
      this.#request(text, out);
      return;
    }
    const colon = text.indexOf(": ");
    if (colon < 0)
      throw new BrokenLine(`a line must be a receive time, a colon, a space and a message, not ${shown(text)}`);
    const receivedNs = secondsNs(text.slice(0, colon), "the receive time");
    const message = parseJson(text.slice(colon + 2));
    let ignored: string | undefined;
    if (message.stream !== undefined) ignored = this.#binance.read(message, receivedNs, out);
    else if (message.table !== undefined || message.info !== undefined || message.subscribe !== undefined) {
      ignored = readBitmexMessage(message, receivedNs, out);
    } else ignored = readCoinbaseMessage(message, receivedNs, out);
    if (ignored !== undefined) this.#ignore(ignored);
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
