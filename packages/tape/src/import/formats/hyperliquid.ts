import type { BookLevel } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import type { Instrument, SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import {
  epochTime,
  type Fields,
  fieldsOf,
  listOf,
  numberOf,
  parseJson,
  shown,
  sizeOf,
  textOf,
} from "../messages/fields.js";
import { splitReceived } from "./binance.js";
import type { Format } from "./format.js";
import { type LineParser, lineStream } from "./format.js";

export const hyperliquid: Format = {
  name: "hyperliquid",
  about: "Hyperliquid's messages, each after its receive time: l2Book (a whole book each) and trades",
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
    const { receivedNs, json } = splitReceived(text);
    const message = parseJson(json);
    if (message.channel === "l2Book") out.push(this.#book(fieldsOf(message.data, "data"), receivedNs, json));
    else if (message.channel === "trades") {
      for (const trade of listOf(message.data, "data")) out.push(this.#trade(fieldsOf(trade, "a trade"), receivedNs));
    } else this.#ignore(textOf(message.channel, "channel"));
  }

  #book(data: Fields, receivedNs: bigint, json: string): SourceEvent {
    const instrument = this.#instrument(data.coin);
    const [bids, asks] = listOf(data.levels, "levels");
    const repeated = this.#lastBook.get(instrument.symbol) === json;
    this.#lastBook.set(instrument.symbol, json);
    return {
      kind: "snapshot",
      instrument,
      ns: epochTime(data.time, "time").ns,
      receivedNs,
      bids: levels(bids),
      asks: levels(asks),
      depth: reportedLevels,
      repeated,
    };
  }

  /** The accounts of both sides (`users`) are public but never recorded. */
  #trade(data: Fields, receivedNs: bigint): SourceEvent {
    const instrument = this.#instrument(data.coin);
    const { ns } = epochTime(data.time, "time");
    if (data.side !== "A" && data.side !== "B") throw new BrokenLine(`side is not A or B: ${shown(data.side)}`);
    return {
      kind: "trade",
      instrument,
      ns,
      receivedNs,
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

/** A message has the best levels of a side, at most so many. */
const reportedLevels = 20;

function levels(value: unknown): BookLevel[] {
  return listOf(value, "levels").map((row) => {
    const { px, sz } = fieldsOf(row, "a level");
    return [numberOf(px, "px"), sizeOf(sz, "sz")];
  });
}
