import type { RecordingFile } from "../input/recording-file.js";
import { neededColumns } from "./csv/csv-columns.js";
import { Header } from "./csv/csv-header.js";

interface Likeness {
  readonly format: string;
  /** What the format's lines have. */
  readonly has: string;
  /** What a file's first line has instead; undefined if it is unlike the format. */
  readonly found: (line: string) => string | undefined;
}

/** From what is most telling to what is least. */
const likenesses: readonly Likeness[] = [
  {
    format: "cryptofeed",
    has: "`SECONDS: MESSAGE` lines of Binance, Coinbase or BitMEX",
    found: (line) => (/^\d+(\.\d+)?:/.test(line) ? "another message after the time" : undefined),
  },
  {
    format: "binance",
    has: 'messages with "e" (depthUpdate, trade, aggTrade, bookTicker) or "lastUpdateId", with or without a receive time before them',
    found: (line) => keysOf(line.replace(/^[\d.]+ /, "")),
  },
  {
    format: "tardis",
    has: "the columns exchange, symbol, timestamp and local_timestamp",
    found: (line) => columnsLike(line, ["exchange", "symbol", "timestamp", "local_timestamp"], 2),
  },
  {
    format: "csv",
    has: neededColumns,
    found: (line) =>
      columnsLike(line, ["time", "timestamp", "ts", "date", "datetime", "price", "size", "bid", "ask"], 1),
  },
];

/**
 * What a file in no known format is most like, what that format has and what was found instead: a part of a sentence. Undefined if it
 * is like none.
 */
export function nearestFormat({ head }: Pick<RecordingFile, "head">): string | undefined {
  const line = head.find((text) => text.trim() !== "")?.trim() ?? "";
  for (const { format, has, found } of likenesses) {
    const instead = found(line);
    if (instead !== undefined) return `the nearest is ${format}, which has ${has}, but the first line has ${instead}`;
  }
  return undefined;
}

/** The name that is meant most likely by one that is not known; undefined if none is like it. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((one) => ({ one, edits: editsBetween(name.toLowerCase(), one) }))
    .sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= Math.max(2, name.length / 3) ? best.one : undefined;
}

/** How many letters have to be inserted, removed or replaced to make one word of the other. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const shown = 5;

/** The first keys of an object of JSON. */
function keysOf(text: string): string | undefined {
  if (!text.startsWith("{")) return undefined;
  const keys = [...text.matchAll(/"(\w{1,30})"\s*:/g)].slice(0, shown).map(([, key]) => key);
  return keys.length === 0 ? "no keys" : `the keys ${keys.join(", ")}`;
}

/** The first columns of a header that has at least so many of these names, or parts of names. */
function columnsLike(line: string, parts: readonly string[], least: number): string | undefined {
  const { names } = new Header(line);
  if (names.length < 2 || !names.every((name) => /^[\w .[\]-]{1,40}$/.test(name))) return undefined;
  const like = parts.filter((part) =>
    names.some((name) =>
      name
        .toLowerCase()
        .split(/[\W_]+/)
        .includes(part),
    ),
  );
  if (like.length < least) return undefined;
  return `the columns ${names.slice(0, shown).join(", ")}${names.length > shown ? ", ..." : ""}`;
}
