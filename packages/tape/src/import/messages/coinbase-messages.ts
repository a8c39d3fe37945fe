import type { BookLevel } from "@tapedeck/market";
import type { Instrument, SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { type Fields, isoNs, levelsOf, listOf, numberOf, shown, sizeOf, textOf, wholeOf } from "./fields.js";

const instruments = new Map<string, Instrument>();

function instrumentOf(data: Fields): Instrument {
  const symbol = textOf(data.product_id, "product_id");
  const known = instruments.get(symbol) ?? { symbol, source: "COINBASE", decimals: 6 };
  instruments.set(symbol, known);
  return known;
}

/** Adds a message's events to `out`, or returns the kind of a message that a tape does not need. */
export function readCoinbaseMessage(message: Fields, receivedNs: bigint, out: SourceEvent[]): string | undefined {
  switch (message.type) {
    case "snapshot":
      out.push({
        kind: "snapshot",
        instrument: instrumentOf(message),
        ns: undefined,
        receivedNs,
        bids: levelsOf(message.bids, "bids"),
        asks: levelsOf(message.asks, "asks"),
      });
      return undefined;
    case "l2update":
      out.push({
        kind: "diff",
        instrument: instrumentOf(message),
        ns: isoNs(message.time, "time"),
        receivedNs,
        ...changesOf(message.changes),
      });
      return undefined;
    case "match":
    case "last_match":
      out.push(trade(message, receivedNs));
      return undefined;
    default:
      return textOf(message.type, "type");
  }
}

function changesOf(value: unknown): { bids: BookLevel[]; asks: BookLevel[] } {
  const bids: BookLevel[] = [];
  const asks: BookLevel[] = [];
  for (const change of listOf(value, "changes")) {
    const [side, price, size] = listOf(change, "a change");
    if (side !== "buy" && side !== "sell")
      throw new BrokenLine(`a change's side is neither buy nor sell: ${shown(side)}`);
    (side === "buy" ? bids : asks).push([numberOf(price, "a price"), sizeOf(size, "a size")]);
  }
  return { bids, asks };
}

function trade(message: Fields, receivedNs: bigint): SourceEvent {
  if (message.side !== "buy" && message.side !== "sell")
    throw new BrokenLine(`side is neither buy nor sell: ${shown(message.side)}`);
  return {
    kind: "trade",
    instrument: instrumentOf(message),
    ns: isoNs(message.time, "time"),
    receivedNs,
    id: wholeOf(message.trade_id, "trade_id"),
    consecutive: true,
    timestamp: textOf(message.time, "time"),
    price: numberOf(message.price, "price"),
    size: numberOf(message.size, "size"),
    side: message.side === "buy" ? "sell" : "buy", // the message has the maker's
    ...(message.type === "last_match" ? { excluded: "from before the recording" } : {}),
  };
}
