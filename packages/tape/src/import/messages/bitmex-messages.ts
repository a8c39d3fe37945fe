import type { Instrument, SourceEvent, SourceKeyed } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { type Fields, fieldsOf, isoNs, listOf, numberOf, shown, sizeOf, textOf, wholeOf } from "./fields.js";

const actions = new Map<unknown, SourceKeyed["action"]>([
  ["partial", "partial"],
  ["insert", "insert"],
  ["update", "update"],
  ["delete", "delete"],
]);
const instruments = new Map<string, Instrument>();

/** Book messages have no time, so frames use the receive time: a double of seconds, exact to microseconds. */
function instrumentOf(symbol: string): Instrument {
  const known = instruments.get(symbol) ?? { symbol, source: "BITMEX", decimals: 6 };
  instruments.set(symbol, known);
  return known;
}

/** Adds a message's events to `out`, or returns the kind of a message that a tape does not need. */
export function readBitmexMessage(message: Fields, receivedNs: bigint, out: SourceEvent[]): string | undefined {
  if (message.table === "orderBookL2") {
    readBook(message, receivedNs, out);
    return undefined;
  }
  if (message.table === "trade") {
    const partial = message.action === "partial";
    for (const row of listOf(message.data, "data")) out.push(trade(fieldsOf(row, "a trade"), receivedNs, partial));
    return undefined;
  }
  return message.table === undefined ? "info" : textOf(message.table, "table");
}

/** A message may hold rows of several symbols. */
function readBook(message: Fields, receivedNs: bigint, out: SourceEvent[]): void {
  const action = actions.get(message.action);
  if (action === undefined)
    throw new BrokenLine(`action is not partial, insert, update or delete: ${shown(message.action)}`);
  const bySymbol = new Map<string, SourceKeyed["rows"][number][]>();
  for (const item of listOf(message.data, "data")) {
    const row = fieldsOf(item, "a level");
    const symbol = textOf(row.symbol, "symbol");
    const rows = bySymbol.get(symbol) ?? [];
    bySymbol.set(symbol, rows);
    if (row.side !== "Buy" && row.side !== "Sell") throw new BrokenLine(`side is not Buy or Sell: ${shown(row.side)}`);
    rows.push({
      id: wholeOf(row.id, "id"),
      side: row.side === "Buy" ? "bid" : "ask",
      size: action === "delete" ? 0 : sizeOf(row.size, "size"),
      price: action === "partial" || action === "insert" ? numberOf(row.price, "price") : 0,
    });
  }
  for (const [symbol, rows] of bySymbol) {
    out.push({
      kind: "keyed",
      instrument: instrumentOf(symbol),
      ns: cutToMicroseconds(receivedNs),
      receivedNs,
      action,
      rows,
    });
  }
}

function trade(row: Fields, receivedNs: bigint, partial: boolean): SourceEvent {
  isoNs(row.timestamp, "timestamp"); // validated because it is recorded as it is
  if (row.side !== "Buy" && row.side !== "Sell") throw new BrokenLine(`side is not Buy or Sell: ${shown(row.side)}`);
  return {
    kind: "trade",
    instrument: instrumentOf(textOf(row.symbol, "symbol")),
    ns: cutToMicroseconds(receivedNs),
    receivedNs,
    id: textOf(row.trdMatchID, "trdMatchID"),
    timestamp: textOf(row.timestamp, "timestamp"),
    price: numberOf(row.price, "price"),
    size: numberOf(row.size, "size"),
    side: row.side === "Buy" ? "buy" : "sell",
    ...(partial ? { excluded: "from before the recording" } : {}),
  };
}

function cutToMicroseconds(ns: bigint): bigint {
  return ns - (ns % 1_000n);
}
