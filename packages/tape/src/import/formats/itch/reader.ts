import type { Instrument } from "../../events/source-event.js";
import { BrokenLine, CutShort } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import type { ReadContext } from "../format.js";
import { ReadEvents, type RecordReader } from "../record-stream.js";
import { lengths, prefixBytes, shownByte } from "./layouts.js";
import { applyMessage, beginsDay, isOfMarket, stockNamed } from "./messages.js";
import { StockEvents } from "./stock-events.js";

/** What a file's name says of its messages. */
export interface ItchFile {
  readonly source: string;
  /** Nanoseconds since 1970. */
  readonly midnightNs: bigint;
}

/** No day is longer, not even the one on which the clocks are put back. */
const longestDayNs = 25 * 3_600e9;
/** While only other stocks have messages, a pulse says so each second of the file, but the time is looked at only now and then. */
const messagesPerLook = 512;
const pulseNs = 1e9;

/** Turns the messages of one file of ITCH into events. */
export class ItchReader implements RecordReader {
  /** Messages so far. */
  count = 0;
  readonly out = new ReadEvents();
  readonly #file: RecordingFile;
  readonly #of: ItchFile;
  readonly #reading: ReadContext;
  /** By the number that the day gives to a stock, its locate. Undefined: not known yet; false: a stock that is not wanted. */
  readonly #stocks: (StockEvents | false | undefined)[] = [];
  #rest: Buffer = Buffer.alloc(0);
  /** The file begins when the day does, so no order rested before. */
  #whole = false;
  #skipped = 0;
  /** Nanoseconds since midnight of the last event or pulse. */
  #lastNs = 0;
  #wanted: StockEvents | undefined;

  constructor(file: RecordingFile, of: ItchFile, reading: ReadContext) {
    this.#file = file;
    this.#of = of;
    this.#reading = reading;
  }

  read(chunk: Uint8Array): void {
    const bytes = Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + prefixBytes < bytes.length) {
      const length = bytes.readUInt16BE(at);
      const kind = bytes[at + prefixBytes] ?? 0;
      const expected = lengths.get(kind);
      // What follows cannot be told from what a message contains.
      if (length === 0 || (expected !== undefined && length !== expected)) {
        throw new CutShort(
          `the next message says that it has ${length} bytes${expected === undefined ? "" : `, and messages of type ${shownByte(kind)} have ${expected}`}`,
        );
      }
      const end = at + prefixBytes + length;
      if (end > bytes.length) break;
      this.count++;
      if (expected === undefined) this.#reading.ignore("message of a type that ITCH 5.0 does not have");
      else this.#message(bytes, at + prefixBytes, kind);
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  checkEnd(): void {
    if (this.#rest.length > 0) throw new CutShort("the next message ends in the middle");
  }

  end(): void {} // each message is complete by itself

  // HOT: once per message of a file that has those of all stocks.
  #message(bytes: Buffer, at: number, kind: number): void {
    if (isOfMarket(kind)) {
      if (beginsDay(bytes, at)) this.#whole = true;
      return;
    }
    const locate = bytes.readUInt16BE(at + 1);
    const known = this.#stocks[locate];
    if (known === false) {
      if (++this.#skipped % messagesPerLook === 0) this.#pulse(bytes, at);
      return;
    }
    const first = this.out.list.length;
    try {
      const ns = bytes.readUIntBE(at + 5, 6);
      if (ns >= longestDayNs) throw new BrokenLine(`its time is ${ns} ns after midnight, later than the day's end`);
      const stock = known ?? this.#stockOf(bytes, at, kind, locate, ns);
      if (stock === undefined) return;
      this.#lastNs = ns;
      const when = { ns: this.#of.midnightNs + BigInt(ns), sequence: this.count, whole: this.#whole };
      if (!applyMessage(stock, when, { bytes, at, kind }, this.out.list)) {
        this.#reading.ignore("message about neither an order nor a trade");
      }
    } catch (error) {
      if (!(error instanceof BrokenLine)) throw error;
      this.out.list.length = first;
      this.#reading.brokenLine(this.#file, this.count, error.message);
    }
  }

  /** A stock that a message names for the first time; undefined if it is not wanted, or not named. */
  #stockOf(bytes: Buffer, at: number, kind: number, locate: number, ns: number): StockEvents | undefined {
    const symbol = stockNamed(bytes, at, kind);
    if (symbol === "") {
      this.#reading.ignore("message about a stock that was not named");
      return undefined;
    }
    const { symbol: asked } = this.#reading;
    const instrument: Instrument = { symbol, source: this.#of.source, decimals: 9 };
    if (asked !== undefined && asked.toUpperCase() !== symbol.toUpperCase()) {
      this.#stocks[locate] = false;
      // The import refuses a symbol that no file has with the names of those that they have.
      const when = this.#of.midnightNs + BigInt(ns);
      this.out.list.push({ kind: "pulse", instrument, ns: when, receivedNs: when });
      return undefined;
    }
    const stock = new StockEvents(instrument, this.#file.name, this.#reading);
    this.#stocks[locate] = stock;
    if (asked !== undefined) this.#wanted = stock;
    return stock;
  }

  /** What is wanted is quiet, and the file goes on. */
  #pulse(bytes: Buffer, at: number): void {
    const ns = bytes.readUIntBE(at + 5, 6);
    if (this.#wanted?.begun !== true || ns < this.#lastNs + pulseNs || ns >= longestDayNs) return;
    this.#lastNs = ns;
    this.out.list.push(this.#wanted.pulse(this.#of.midnightNs + BigInt(ns)));
  }
}
