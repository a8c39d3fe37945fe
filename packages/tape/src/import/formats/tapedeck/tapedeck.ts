import { inHeardOrder } from "../../events/heard-order.js";
import { ImportRefused } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { type Format, lineStream, type ReadContext } from "../format.js";
import { ExportedLines } from "./exported-lines.js";
import { ExportedRows, timeDecimalsOf } from "./exported-rows.js";

/** What files of book and trades have, and Tardis' files do not. */
const ours = ["exchange", "symbol", "side", "price", "amount", "n", "heard", "state"];
/** Other contents of a tape, and what only they have. They are not imported. */
const beside = {
  frames: ["exchange", "symbol", "seq", "mid_price", "trade_count", "bid_price_1", "ask_price_1"],
  bars: ["exchange", "symbol", "timestamp", "open", "high", "low", "close", "volume", "trades", "vwap"],
  orders: ["exchange", "symbol", "order_id", "action", "rest", "n", "heard"],
  snapshots: ["exchange", "symbol", "side", "price", "amount", "n", "seq", "known_low", "known_high"],
};

/** Tapes that were exported: their messages as the source had them, in the order in which they were received. */
export const tapedeck: Format = {
  name: "tapedeck",
  about: "what tapedeck export writes, in each of its formats: book and trades of one tape",
  recognises: (file) => {
    const lines = new ExportedLines(file);
    return lines.has(...ours) || contentBeside(lines) !== undefined;
  },
  streams: (files, reading) =>
    byMarket(messagesOf(files, reading)).map(({ book, trades }) => {
      const both = [book, trades].flatMap((file) => (file ? [file] : []));
      const decimals = timeDecimalsOf(both);
      return inHeardOrder(both.map((file) => lineStream(file, new ExportedRows(file, decimals), reading)));
    }),
};

function contentBeside(lines: ExportedLines): string | undefined {
  return Object.entries(beside).find(([, columns]) => lines.has(...columns))?.[0];
}

/** Frames are made of messages, and not imported beside them. */
function messagesOf(files: readonly RecordingFile[], reading: ReadContext): RecordingFile[] {
  const messages: RecordingFile[] = [];
  for (const file of files) {
    const content = contentBeside(new ExportedLines(file));
    if (content === undefined) messages.push(file);
    else reading.notice(`${file.name} was left out: it has a tape's ${content}; tapes are made of book and trades.`);
  }
  const [first] = files;
  if (messages.length > 0 || first === undefined) return messages;
  throw new ImportRefused(
    `${first.name} has a tape's ${contentBeside(new ExportedLines(first)) ?? "rows"}: import its book and trades, of tapedeck export --what book,trades.`,
  );
}

interface ExportedTape {
  book?: RecordingFile;
  trades?: RecordingFile;
}

function byMarket(files: readonly RecordingFile[]): ExportedTape[] {
  const markets = new Map<string, ExportedTape>();
  for (const file of files) {
    const lines = new ExportedLines(file);
    const [first] = lines.firstRows(file);
    if (first === undefined) continue; // no rows: a tape without trades
    const market = `${first("exchange")} ${first("symbol")}`;
    const found = markets.get(market) ?? {};
    const content = lines.isBook ? "book" : "trades";
    const other = found[content];
    if (other !== undefined) {
      throw new ImportRefused(
        `${other.name} and ${file.name} are exports of two tapes of ${market}: the order of their messages is not known. Import them one by one.`,
      );
    }
    found[content] = file;
    markets.set(market, found);
  }
  return [...markets.values()];
}
