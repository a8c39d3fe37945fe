import type { BookLevel } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import type { Format } from "../format.js";
import { BrokenLine } from "../import-errors.js";
import { type LineParser, lineStream } from "../line-stream.js";
import type { Instrument, SourceEvent } from "../source-event.js";
import { splitReceived } from "./binance.js";
import { epochTime, type Fields, fieldsOf, listOf, numberOf, parseJson, sizeOf, textOf } from "./fields.js";

export const hyperliquid: Format = {
  name: "hyperliquid",
  about: "Hyperliquid's messages with a receive time before each: l2Book (a whole book each) and trades",
  recognises: ({ head }) => head.some((line) => /^\d{13,19} \{"channel":"(l2Book|trades)"/.test(line)),
  streams: (files, reading) => files.map((file) => lineStream(file, new HyperliquidLines(reading.ignore), reading)),
};

class HyperliquidLines implements LineParser {
  readonly #ignore: (kind: string) => void;
  readonly #instruments = new Map<string, Instrument>();
  readonly #lastBook = new Map<string, string>();

  constructor(ignore: (kind: string) => void) {
    this.#ignore = ignore;
  }

  line(text: string, out: SourceEvent[]): void {
    const { heardNs, json } = splitReceived(text);
    const message = parseJson(json);
    if (message.channel === "l2Book") out.push(this.#book(fieldsOf(message.data, "data"), heardNs, json));
    else if (message.channel === "trades") {
      for (const trade of listOf(message.data, "data")) out.push(this.#trade(fieldsOf(trade, "a trade"), heardNs));
    } else this.#ignore(textOf(message.channel, "channel"));
  }

  #book(data: Fields, heardNs: bigint, json: string): SourceEvent {
    const instrument = this.#instrument(data.coin);
    const [bids, asks] = listOf(data.levels, "levels");
    const repeated = this.#lastBook.get(instrument.symbol) === json;
    this.#lastBook.set(instrument.symbol, json);
    return {
      kind: "snapshot",
      instrument,
      ns: epochTime(data.time, "time").ns,
      heardNs,
      bids: levels(bids),
      asks: levels(asks),
      repeated,
    };
  }

  /** The accounts of both sides (`users`) are public, and nobody's business here. */
  #trade(data: Fields, heardNs: bigint): SourceEvent {
    const instrument = this.#instrument(data.coin);
    const { ns } = epochTime(data.time, "time");
    if (data.side !== "A" && data.side !== "B") throw new BrokenLine("side is not A or B");
    return {
      kind: "trade",
      instrument,
      ns,
      heardNs,
      id: textOf(String(data.tid), "tid"),
      timestamp: isoOfNs(ns, instrument.decimals),
      price: numberOf(data.px, "px"),
      size: numberOf(data.sz, "sz"),
      side: data.side === "B" ? "buy" : "sell",
    };
  }

  #instrument(coin: unknown): Instrument {
    const symbol = textOf(coin, "coin");
    const known = this.#instruments.get(symbol) ?? { symbol, source: "HYPERLIQUID", decimals: 3 };
    this.#instruments.set(symbol, known);
    return known;
  }
}

function levels(value: unknown): BookLevel[] {
  return listOf(value, "levels").map((row) => {
    const { px, sz } = fieldsOf(row, "a level");
    return [numberOf(px, "px"), sizeOf(sz, "sz")];
  });
}
