import type { Format } from "../format.js";
import { BrokenLine } from "../import-errors.js";
import { type LineParser, lineStream } from "../line-stream.js";
import type { SourceEvent } from "../source-event.js";
import { BinanceMessages } from "./binance-messages.js";
import { readBitmexMessage } from "./bitmex-messages.js";
import { readCoinbaseMessage } from "./coinbase-messages.js";
import { relabelled } from "./cryptofeed-venues.js";
import { parseJson, secondsNs } from "./fields.js";

/** `SECONDS: JSON` for what came in; `wss://...` for what was sent, `https://URL -> SECONDS: JSON` for requests. */
const receivedLine = /^(\d{9,11}(?:\.\d+)?): ([{[].*)$/;
const requestLine = /^https:\/\/(\S+) -> (\d{9,11}(?:\.\d+)?): (.*)$/;

export const cryptofeed: Format = {
  name: "cryptofeed",
  about:
    "what cryptofeed recorded off the wire of Binance futures, Coinbase and BitMEX; requests may be a file of their own",
  recognises: ({ head }) => head.some((line) => receivedLine.test(line) || requestLine.test(line)),
  streams: (files, reading) =>
    files.map((file) => {
      const notice = relabelled(file);
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
    if (colon < 0) throw new BrokenLine("no receive time and message with a colon between");
    const heardNs = secondsNs(text.slice(0, colon), "the receive time");
    const message = parseJson(text.slice(colon + 2));
    let ignored: string | undefined;
    if (message.stream !== undefined) ignored = this.#binance.read(message, heardNs, out);
    else if (message.table !== undefined || message.info !== undefined || message.subscribe !== undefined) {
      ignored = readBitmexMessage(message, heardNs, out);
    } else ignored = readCoinbaseMessage(message, heardNs, out);
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
