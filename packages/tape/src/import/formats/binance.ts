import type { Format } from "../format.js";
import { BrokenLine } from "../import-errors.js";
import { type LineParser, lineStream } from "../line-stream.js";
import type { SourceEvent } from "../source-event.js";
import { BinanceMessages } from "./binance-messages.js";
import { epochTime, type Fields, parseJson } from "./fields.js";

/** `RECEIVE_TIME SPACE JSON`, as hftbacktest's recorders write it; the time in microseconds or nanoseconds. */
const receivedLine = /^(\d{13,19}) (\{.*)$/;

export function splitReceived(text: string): { heardNs: bigint; json: string } {
  const space = text.indexOf(" ");
  if (space < 0) throw new BrokenLine("no receive time and message with a space between");
  return { heardNs: epochTime(text.slice(0, space), "the receive time").ns, json: text.slice(space + 1) };
}

export const binance: Format = {
  name: "binance",
  about:
    "Binance's own messages with a receive time before each (spot and futures): depth, trade, bookTicker, REST depth",
  recognises: ({ head }) =>
    head.some((line) => receivedLine.test(line) && /"stream":"\w+@|"lastUpdateId":\d|"e":"depthUpdate"/.test(line)),
  streams: (files, reading) =>
    files.map((file) => lineStream(file, new RawBinance(reading.symbol, reading.ignore), reading)),
};

class RawBinance implements LineParser {
  readonly #messages = new BinanceMessages();
  readonly #ignore: (kind: string) => void;
  /** That of the file's messages: the answer of a depth request names none. */
  #market: { symbol: string; futures: boolean } | undefined;
  readonly #asked: string | undefined;
  readonly #nameless: { data: Fields; heardNs: bigint }[] = [];

  constructor(asked: string | undefined, ignore: (kind: string) => void) {
    this.#asked = asked;
    this.#ignore = ignore;
  }

  line(text: string, out: SourceEvent[]): void {
    const { heardNs, json } = splitReceived(text);
    const message = parseJson(json);
    if (message.lastUpdateId !== undefined) {
      this.#nameless.push({ data: message, heardNs });
      this.#name(out);
      return;
    }
    const first = out.length;
    const ignored = this.#messages.read(message, heardNs, out);
    if (ignored !== undefined) this.#ignore(ignored);
    const instrument = out[first]?.instrument;
    if (this.#market === undefined && instrument !== undefined) {
      this.#market = { symbol: instrument.symbol, futures: instrument.source === "BINANCE-FUTURES" };
      this.#name(out);
    }
  }

  end(out: SourceEvent[]): void {
    // Nothing but answers: those of futures carry times.
    const futures = this.#nameless.some(({ data }) => data.T !== undefined);
    this.#market ??= { symbol: this.#asked?.toUpperCase() ?? "UNKNOWN", futures };
    this.#name(out);
  }

  #name(out: SourceEvent[]): void {
    const market = this.#market;
    if (market === undefined) return;
    for (const { data, heardNs } of this.#nameless.splice(0)) out.push(this.#messages.snapshot(data, market, heardNs));
  }
}
