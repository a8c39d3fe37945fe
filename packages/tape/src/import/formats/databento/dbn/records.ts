import type { BookLevel } from "@tapedeck/market";
import { BrokenLine } from "../../../import-errors.js";
import type { OrderId } from "../../resting-orders.js";
import {
  type DatabentoRecord,
  exactBillionths,
  noSize,
  noTime,
  priceOfBillionths,
  type Schema,
  sampled,
} from "../record.js";
import { recordKinds, textAt } from "./metadata.js";
import type { SymbolMap } from "./symbol-map.js";

/** Where the fields of a kind of record are, and how long it is at least: a send time may follow. */
interface Layout {
  readonly kind: number;
  readonly bytes: number;
  readonly price: number;
  readonly size: number;
  readonly flags: number;
  readonly action: number;
  readonly side: number;
  readonly received: number;
  readonly sequence: number;
  /** Number of levels on each side. */
  readonly levels: number;
}

const orders: Layout = {
  ...{ kind: recordKinds.mbo, bytes: 56, levels: 0 },
  ...{ price: 24, size: 32, flags: 36, action: 38, side: 39, received: 40, sequence: 52 },
};

function prices(kind: number, levels: number): Layout {
  return {
    ...{ kind, bytes: levelsAt + levels * levelBytes, levels },
    ...{ price: 16, size: 24, action: 28, side: 29, flags: 30, received: 32, sequence: 44 },
  };
}

const orderIdAt = 16;
const levelsAt = 48;
const levelBytes = 32;

const layouts: Readonly<Record<Schema, Layout>> = {
  mbo: orders,
  "mbp-10": prices(recordKinds.mbp10, 10),
  "mbp-1": prices(recordKinds.mbp1, 1),
  tbbo: prices(recordKinds.mbp1, 1),
  "cmbp-1": prices(recordKinds.cmbp1, 1),
  tcbbo: prices(recordKinds.tcbbo, 1),
  "bbo-1s": prices(recordKinds.bbo1s, 1),
  "cbbo-1s": prices(recordKinds.cbbo1s, 1),
  trades: prices(recordKinds.trades, 0),
};

/** Reads the records of a DBN file of one schema. All versions have the same. */
export class DbnRecords {
  readonly #layout: Layout;
  readonly #sampled: boolean;
  /** Consolidated data has no numbers of messages. */
  readonly #numbered: boolean;
  readonly #symbols: SymbolMap;

  constructor(schema: Schema, symbols: SymbolMap) {
    this.#layout = layouts[schema];
    this.#sampled = sampled.includes(schema);
    this.#numbered = !["cmbp-1", "tcbbo", "cbbo-1s"].includes(schema);
    this.#symbols = symbols;
  }

  // HOT: once per record.
  /**
   * The record of `length` bytes at `at`. A record of another kind is none, and a symbol mapping is learnt. Throws `BrokenLine`.
   */
  read(bytes: Buffer, at: number, length: number): DatabentoRecord | undefined {
    const kind = bytes[at + 1];
    const layout = this.#layout;
    if (kind === recordKinds.symbolMapping) this.#learn(bytes, at, length);
    if (kind !== layout.kind) return undefined;
    if (length < layout.bytes) throw new BrokenLine(`it has ${length} bytes instead of ${layout.bytes}`);
    const instrumentId = bytes.readUInt32LE(at + 4);
    const eventNs = timeAt(bytes, at + 8, "ts_event");
    const receivedNs = timeAt(bytes, at + layout.received, "ts_recv");
    const action = this.#sampled ? "N" : String.fromCharCode(bytes[at + layout.action] ?? 0);
    const size = bytes.readUInt32LE(at + layout.size);
    if (size === noSize && "AMCT".includes(action)) throw new BrokenLine("it has no size");
    return {
      publisherId: bytes.readUInt16LE(at + 2),
      instrumentId,
      symbol: this.#symbols.symbolOf(instrumentId, receivedNs ?? eventNs ?? 0n),
      // Of a sampled record it is the time of the last trade, and the book is that of the receive time.
      eventNs: this.#sampled ? undefined : eventNs,
      receivedNs,
      action,
      side: String.fromCharCode(bytes[at + layout.side] ?? 0),
      price: priceAt(bytes, at + layout.price),
      size,
      flags: bytes[at + layout.flags] ?? 0,
      sequence: this.#numbered ? bytes.readUInt32LE(at + layout.sequence) : undefined,
      book:
        kind === recordKinds.mbo
          ? { orderId: orderIdOf(bytes, at + orderIdAt) }
          : levelsOf(bytes, at + levelsAt, layout.levels),
    };
  }

  /** A recording of Databento's live feed names its instruments by records. */
  #learn(bytes: Buffer, at: number, length: number): void {
    if (length < 80) throw new BrokenLine(`it has ${length} bytes instead of 80 or 176`);
    // Version 1 has shorter symbols, and does not say of which kind they are.
    const symbol = length < 176 ? textAt(bytes, at + 38, 22) : textAt(bytes, at + 89, 71);
    if (symbol !== "") this.#symbols.learn(bytes.readUInt32LE(at + 4), symbol);
  }
}

function levelsOf(bytes: Buffer, at: number, count: number): DatabentoRecord["book"] {
  if (count === 0) return undefined;
  const bids: BookLevel[] = [];
  const asks: BookLevel[] = [];
  for (let level = at; level < at + count * levelBytes; level += levelBytes) {
    // A thin book has fewer levels than the record.
    const bid = priceAt(bytes, level);
    if (bid !== undefined) bids.push([bid, bytes.readUInt32LE(level + 16)]);
    const ask = priceAt(bytes, level + 8);
    if (ask !== undefined) asks.push([ask, bytes.readUInt32LE(level + 20)]);
  }
  return { bids, asks, depth: count };
}

/** Ids up to this many units of 2^32 are safe integers. */
const safeHigh = 2 ** 21;

function priceAt(bytes: Buffer, at: number): number | undefined {
  const high = bytes.readInt32LE(at + 4);
  const near = high * 2 ** 32 + bytes.readUInt32LE(at);
  if (Math.abs(near) < exactBillionths) return near / 1e9;
  return priceOfBillionths(bytes.readBigInt64LE(at));
}

/** Nanoseconds since 1970; undefined if there is none. */
function timeAt(bytes: Buffer, at: number, name: string): bigint | undefined {
  const ns = bytes.readBigUInt64LE(at);
  if (ns < beyondTimes) return ns;
  if (ns === noTime) return undefined;
  throw new BrokenLine(`${name} is later than the year 2262: ${ns}`);
}

/** A time of the event track has 63 bits. */
const beyondTimes = 2n ** 63n;

function orderIdOf(bytes: Buffer, at: number): OrderId {
  const high = bytes.readUInt32LE(at + 4);
  return high < safeHigh ? high * 2 ** 32 + bytes.readUInt32LE(at) : bytes.readBigUInt64LE(at);
}
