import type { SourceEvent } from "../../events/source-event.js";
import { BrokenLine } from "../../import-errors.js";
import type { OrderId } from "../resting-orders.js";
import { shownByte } from "./layouts.js";
import type { MessageTime, StockEvents } from "./stock-events.js";

/** Where fields are in messages of ITCH 5.0, counted from the byte that says their kind. */

const code = (kind: string) => kind.charCodeAt(0);

const kinds = {
  ...{ system: code("S"), action: code("H"), broken: code("B"), directory: code("R") },
  ...{ add: code("A"), addNamed: code("F"), executed: code("E"), executedAt: code("C"), cancel: code("X") },
  ...{ remove: code("D"), replace: code("U"), trade: code("P"), cross: code("Q") },
} as const;

/** A message in the bytes of a file. */
interface Message {
  readonly bytes: Buffer;
  readonly at: number;
  readonly kind: number;
}

// HOT: once per message of an imported stock.
/** Applies a message to its stock. False if it is about neither orders nor trades. Throws `BrokenLine`, and then nothing has changed. */
export function applyMessage(
  stock: StockEvents,
  when: MessageTime,
  { bytes, at, kind }: Message,
  out: SourceEvent[],
): boolean {
  switch (kind) {
    case kinds.add:
    case kinds.addNamed: {
      const [side, size] = [sideAt(bytes, at + 19), bytes.readUInt32BE(at + 20)];
      stock.add(when, idAt(bytes, at + 11), { side, price: priceAt(bytes, at + 32), size }, out);
      return true;
    }
    case kinds.executed: {
      const execution = { id: idAt(bytes, at + 23), printed: true };
      stock.execute(when, idAt(bytes, at + 11), bytes.readUInt32BE(at + 19), execution, out);
      return true;
    }
    case kinds.executedAt: {
      const printed = bytes[at + 31] !== code("N");
      const execution = { id: idAt(bytes, at + 23), price: priceAt(bytes, at + 32), printed };
      stock.execute(when, idAt(bytes, at + 11), bytes.readUInt32BE(at + 19), execution, out);
      return true;
    }
    case kinds.cancel:
      stock.cancel(when, idAt(bytes, at + 11), bytes.readUInt32BE(at + 19), out);
      return true;
    case kinds.remove:
      stock.cancel(when, idAt(bytes, at + 11), undefined, out);
      return true;
    case kinds.replace: {
      const order = { price: priceAt(bytes, at + 31), size: bytes.readUInt32BE(at + 27) };
      stock.replace(when, idAt(bytes, at + 11), idAt(bytes, at + 19), order, out);
      return true;
    }
    case kinds.trade: {
      const [price, size] = [priceAt(bytes, at + 32), bytes.readUInt32BE(at + 20)];
      stock.tradeHidden(when, { id: idAt(bytes, at + 36), price, size }, out);
      return true;
    }
    case kinds.cross: {
      const size = Number(bytes.readBigUInt64BE(at + 11));
      stock.cross(when, { id: idAt(bytes, at + 31), price: priceAt(bytes, at + 27), size }, out);
      return true;
    }
    case kinds.broken:
      stock.broken();
      return true;
    case kinds.action:
      stock.traded(when, String.fromCharCode(bytes[at + 19] ?? 0), textAt(bytes, at + 21, 4));
      return true;
    default:
      return kind === kinds.directory;
  }
}

/** The only messages that are not about one stock. */
const ofMarket: readonly number[] = ["S", "V", "W"].map(code);

export function isOfMarket(kind: number): boolean {
  return ofMarket.includes(kind);
}

/** Whether a message about the market says that the day begins. */
export function beginsDay(bytes: Buffer, at: number): boolean {
  return bytes[at] === kinds.system && bytes[at + 11] === code("O");
}

const namePlaces: ReadonlyMap<number, number> = new Map(
  Object.entries({
    R: 11,
    H: 11,
    Y: 11,
    K: 11,
    J: 11,
    h: 11,
    N: 11,
    O: 11,
    L: 15,
    Q: 19,
    A: 24,
    F: 24,
    P: 24,
    I: 27,
  }).map(([kind, place]) => [code(kind), place]),
);

/** The symbol of the stock that a message names; empty if it does not. */
export function stockNamed(bytes: Buffer, at: number, kind: number): string {
  const place = namePlaces.get(kind);
  return place === undefined ? "" : textAt(bytes, at + place, 8);
}

/** Prices have four decimals. */
function priceAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) / 10_000;
}

/** Ids up to this many units of 2^32 are safe integers. */
const safeHigh = 2 ** 21;

function idAt(bytes: Buffer, at: number): OrderId {
  const high = bytes.readUInt32BE(at);
  return high < safeHigh ? high * 2 ** 32 + bytes.readUInt32BE(at + 4) : bytes.readBigUInt64BE(at);
}

function sideAt(bytes: Buffer, at: number): "bid" | "ask" {
  const side = bytes[at] ?? 0;
  if (side === code("B")) return "bid";
  if (side === code("S")) return "ask";
  throw new BrokenLine(`the side ${shownByte(side)} is neither B nor S`);
}

/** Padded with spaces. */
function textAt(bytes: Buffer, at: number, length: number): string {
  return bytes.toString("latin1", at, at + length).replace(/[\0 ]+$/, "");
}
