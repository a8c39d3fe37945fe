import type { TimeDecimals } from "@tapedeck/protocol";
import type { SourceEvent } from "../../events/source-event.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { BybitMessages } from "../../messages/bybit-messages.js";
import { epochTime, parseJson } from "../../messages/fields.js";
import { type Format, type LineParser, lineStream, type ReadContext } from "../format.js";
import { TradeRows, type TradesFile, tradesFileOf } from "./bybit-trades.js";

/** `{"topic":"orderbook.500.BTCUSDT",...}`; the order of the fields differs between files. */
const messageLine = /^\{.*?"topic":\s*"(?:orderbook\.\d+|publicTrade)\.(\w[\w-]*)"/;
/** `spot/2025-05-01_BTCUSDT_ob200.data` */
const spotPath = /(?:^|[\\/_.-])spot(?:[\\/_.-]|$)/i;

export const bybit: Format = {
  name: "bybit",
  about: "Bybit's public files, as downloaded: order books (ob200, ob500) and trades of contracts and spot",
  recognises: (file) => messageSymbolOf(file) !== undefined || tradesFileOf(file) !== undefined,
  streams: (files, reading) => {
    const trades = files.flatMap((file) => tradesFileOf(file, reading) ?? []);
    const books = files.filter((file) => messageSymbolOf(file) !== undefined);
    return [
      ...books.map((file) => lineStream(file, bookLines(file, trades, reading), reading)),
      ...trades.map((one) => lineStream(one.file, new TradeRows(one, finest(one.symbol, trades)), reading)),
    ];
  },
};

function messageSymbolOf({ head }: RecordingFile): string | undefined {
  return messageLine.exec(head[0] ?? "")?.[1];
}

function bookLines(file: RecordingFile, trades: readonly TradesFile[], reading: ReadContext): LineParser {
  const symbol = messageSymbolOf(file) ?? "";
  return new MessageLines(
    new BybitMessages(bookSource(file, symbol, trades, reading), finest(symbol, trades)),
    reading.ignore,
  );
}

/** Books of spot and of contracts look alike: a folder or a file called spot tells, else the trades of the same import. */
function bookSource(file: RecordingFile, symbol: string, trades: readonly TradesFile[], reading: ReadContext): string {
  const sources = new Set(trades.filter((one) => one.symbol === symbol).map(({ source }) => source));
  if (spotPath.test(file.path)) return "BYBIT-SPOT";
  if (sources.size > 1) {
    reading.notice(
      `${file.name} was taken for a book of contracts: the recording has trades of contracts and of spot, and neither the file's nor its folder's name says spot.`,
    );
  }
  return sources.size === 1 && sources.has("BYBIT-SPOT") ? "BYBIT-SPOT" : "BYBIT";
}

/** Books have milliseconds, trades may have more: a tape has the finest times of its files. */
function finest(symbol: string, trades: readonly TradesFile[]): TimeDecimals {
  return trades.some((one) => one.symbol === symbol && one.decimals === 6) ? 6 : 3;
}

class MessageLines implements LineParser {
  readonly #messages: BybitMessages;
  readonly #ignore: (kind: string) => void;

  constructor(messages: BybitMessages, ignore: (kind: string) => void) {
    this.#messages = messages;
    this.#ignore = ignore;
  }

  line(text: string, out: SourceEvent[]): void {
    const message = parseJson(text);
    const ignored = this.#messages.read(message, epochTime(message.ts, "ts").ns, out);
    if (ignored !== undefined) this.#ignore(ignored);
  }
}
