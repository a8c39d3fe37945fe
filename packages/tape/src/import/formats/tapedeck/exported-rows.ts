import type { BookLevel } from "@tapedeck/market";
import { isoOfNs, type TimeDecimals } from "@tapedeck/protocol";
import type { Instrument, SourceDiff, SourceEvent, SourceSnapshot, SourceTrade } from "../../events/source-event.js";
import { BrokenLine } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { isoNs, numberOf, sizeOf, textOf, wholeOf } from "../../messages/fields.js";
import type { LineParser } from "../format.js";
import { ExportedLines, type Value } from "./exported-lines.js";

/** Venues that number their trades without a hole. */
const numbering = new Set(["BINANCE", "BINANCE-FUTURES", "COINBASE"]);
/** Venues whose diffs are joined to a snapshot by its id. */
const joining = new Set(["BINANCE", "BINANCE-FUTURES"]);
/** Venues whose snapshots have no time: they got that of the message before. */
const timeless = new Set(["BINANCE", "COINBASE"]);

/** Filled row by row. */
interface Levels {
  readonly bids: BookLevel[];
  readonly asks: BookLevel[];
}

/** What a message was, from its rows: the venue's own event, with what the import did to it undone. */
export class ExportedRows implements LineParser {
  /** Each row has an event or a level of its own. */
  readonly keepsRepeated = true;
  readonly #lines: ExportedLines;
  readonly #decimals: TimeDecimals;
  #instrument: Instrument | undefined;
  /** The rows of one event, which follow each other. */
  #open: { readonly n: string; readonly update: SourceDiff | SourceSnapshot; readonly levels: Levels } | undefined;

  /** @param decimals those of the tape's times */
  constructor(file: RecordingFile, decimals: TimeDecimals) {
    this.#lines = new ExportedLines(file);
    this.#decimals = decimals;
  }

  line(text: string, out: SourceEvent[]): void {
    if (this.#lines.isHeader(text)) return;
    const value = this.#lines.valuesOf(text);
    if (!this.#lines.isBook) out.push(this.#trade(value));
    // A message that was applied again is in the file twice, and what was derived is no message.
    else if (value("state") !== "again" && value("state") !== "derived") this.#level(value, out);
  }

  end(out: SourceEvent[]): void {
    if (this.#open !== undefined) out.push(this.#open.update);
    this.#open = undefined;
  }

  #level(value: Value, out: SourceEvent[]): void {
    const level: BookLevel = [numberOf(value("price"), "price"), sizeOf(value("amount"), "amount")];
    const side = value("side");
    if (side !== "bid" && side !== "ask") throw new BrokenLine("side is neither bid nor ask");
    const n = value("n");
    if (this.#open?.n !== n) {
      const levels: Levels = { bids: [], asks: [] };
      const update = this.#update(value, levels);
      this.end(out);
      this.#open = { n, update, levels };
    }
    const { bids, asks } = this.#open.levels;
    (side === "bid" ? bids : asks).push(level);
  }

  #update(value: Value, levels: Levels): SourceDiff | SourceSnapshot {
    const base = this.#base(value);
    const { source } = base.instrument;
    const [first, last, previous] = ["first_id", "last_id", "previous_id"].map((name) => {
      const id = value(name);
      return id === "" ? undefined : wholeOf(id, name);
    });
    if (value("is_snapshot") === "true") {
      return {
        kind: "snapshot",
        ...base,
        ...levels,
        ...(last !== undefined && (joining.has(source) ? { lastId: last } : { sequence: last })),
        ...(timeless.has(source) && { timeless: true }),
        ...repeatedIf(value),
      };
    }
    const update = { kind: "diff", ...base, ...levels } as const;
    if (first !== undefined && last !== undefined) return { ...update, ids: { first, last, previous } };
    return { ...update, ...(last !== undefined && { sequence: last }), ...repeatedIf(value) };
  }

  #trade(value: Value): SourceTrade {
    const base = this.#base(value);
    const id = value("id");
    const side = value("side");
    return {
      kind: "trade",
      ...base,
      ...idOf(id, base.instrument.source),
      timestamp: isoOfNs(base.ns, base.instrument.decimals),
      price: numberOf(value("price"), "price"),
      size: numberOf(value("amount"), "amount"),
      side: side === "buy" || side === "sell" ? side : "unknown",
      ...(value("state") === "excluded" && { excluded: "excluded from the tape that was exported" }),
      ...(id === "" && repeatedIf(value)),
    };
  }

  #base(value: Value) {
    const ns = timeOf(value, ["venue_time", "timestamp"]);
    this.#instrument ??= {
      symbol: textOf(value("symbol"), "symbol"),
      source: textOf(value("exchange"), "exchange"),
      decimals: this.#decimals,
    };
    const receivedNs = timeOf(value, ["receive_time", "local_timestamp"]);
    return { instrument: this.#instrument, ns, receivedNs, heard: wholeOf(value("heard"), "heard") };
  }
}

/** CSV has a time twice, exactly in a column of ours. It is ISO 8601; tables have nanoseconds since 1970. */
function timeOf(value: Value, [ours, tardis]: readonly [string, string]): bigint {
  const name = value(ours) === "" ? tardis : ours;
  const text = value(name);
  return /^\d{1,19}$/.test(text) ? BigInt(text) : isoNs(text, name);
}

/**
 * The decimals of a tape's times. In texts each time has them, or more if it needs them. Tables do not say: the times in the heads of the tape's
 * files need as many.
 */
export function timeDecimalsOf(files: readonly RecordingFile[]): TimeDecimals {
  const needed = files.map((file): TimeDecimals => {
    const times = new ExportedLines(file).firstRows(file).map((value) => value("venue_time") || value("timestamp"));
    const [first = ""] = times;
    if (!/^\d+$/.test(first)) return decimalsOf(first);
    const least = (zeros: RegExp) => times.every((time) => zeros.test(time));
    return least(/0{6}$/) ? 3 : least(/0{3}$/) ? 6 : 9;
  });
  return needed.includes(9) ? 9 : needed.includes(6) ? 6 : 3;
}

/** Decimals of a second in an ISO 8601 time. */
function decimalsOf(iso: string): TimeDecimals {
  const { length } = iso.slice("2024-08-08T23:54:15.".length, -1);
  return length <= 3 ? 3 : length <= 6 ? 6 : 9;
}

function idOf(id: string, source: string): Pick<SourceTrade, "id" | "consecutive"> {
  if (id === "") return {};
  return numbering.has(source) && /^\d{1,15}$/.test(id) ? { id: Number(id), consecutive: true } : { id };
}

/** Of events without ids, only their line told that they were repetitions. */
function repeatedIf(value: Value): Pick<SourceEvent, "repeated"> {
  return value("state") === "duplicate" ? { repeated: true } : {};
}
