import type { BookLevel } from "@tapedeck/market";
import { TapeCatalog } from "../../tape-catalog.js";
import { trackOf } from "../../track/track-of.js";
import type { TrackReader } from "../../track/track-reader.js";
import type { TapeReport } from "../import-report.js";
import type { Imported } from "../test-recordings.js";

/** A market that tests make up, as a venue tells of it, and books that they rebuild from a tape's event track. */

export interface WholeBook {
  /** Best first. */
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** What a venue says of its book: a change, or the whole of it. */
export interface Told extends WholeBook {
  readonly ms: number;
  /** Consecutive from 1. */
  readonly id: number;
  readonly whole: boolean;
  /** The whole book of the market after it. */
  readonly all: WholeBook;
  /** The same, as far as the venue tells of it. */
  readonly truth: WholeBook;
}

const startMs = Date.UTC(2024, 7, 8, 12);
const tick = 0.5;
const worst = 17;

/**
 * A whole book, then `count` changes, ten a second. @param depth levels a side that the venue tells of; it does not say which ones fall
 * out. Undefined: all, and each change is of one level.
 */
export function toldMarket(count: number, depth?: number): Told[] {
  const random = numbersFrom(7);
  const full = { bid: new Map<number, number>(), ask: new Map<number, number>() };
  const priceAt = (side: "bid" | "ask", place: number) =>
    side === "bid" ? 1000 - place * tick : 1000.5 + place * tick;
  for (let place = 0; place <= worst; place += 2) {
    full.bid.set(priceAt("bid", place), 1 + place);
    full.ask.set(priceAt("ask", place), 2 + place);
  }
  const best = (side: "bid" | "ask", count?: number): BookLevel[] =>
    [...full[side]].sort(([a], [b]) => (side === "bid" ? b - a : a - b)).slice(0, count);
  const seen = (count?: number) => ({ bids: best("bid", count), asks: best("ask", count) });
  let truth: WholeBook = seen(depth);
  const told: Told[] = [{ ms: startMs, id: 1, whole: true, ...truth, truth, all: seen() }];
  while (told.length <= count) {
    const side = random() < 0.5 ? "bid" : "ask";
    const price = priceAt(side, Math.floor(random() * (worst + 1)));
    const size = random() < 0.4 ? 0 : Math.ceil(random() * 400) / 8;
    // At least two levels a side stay.
    if ((size === 0 && full[side].size < 3) || (full[side].get(price) ?? 0) === size) continue;
    if (size === 0) full[side].delete(price);
    else full[side].set(price, size);
    const after = seen(depth);
    const changes = {
      bids: changesOf(truth.bids, after.bids, full.bid),
      asks: changesOf(truth.asks, after.asks, full.ask),
    };
    truth = after;
    if (changes.bids.length + changes.asks.length === 0) continue; // behind what the venue tells of
    told.push({ ms: startMs + told.length * 100, id: told.length + 1, whole: false, ...changes, truth, all: seen() });
  }
  return told;
}

/** The same moment, told as a whole book. */
export function toldWhole(told: Told): Told {
  return { ...told, whole: true, ...told.truth };
}

function changesOf(
  before: readonly BookLevel[],
  after: readonly BookLevel[],
  full: ReadonlyMap<number, number>,
): BookLevel[] {
  const sizes = new Map(before);
  const set = after.filter(([price, size]) => sizes.get(price) !== size);
  const gone = before.filter(([price]) => !full.has(price)).map(([price]): BookLevel => [price, 0]);
  return [...gone, ...set];
}

/** Numbers from 0 to 1, always the same for the same seed. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The event track of an imported tape. */
export async function trackIn({ store }: Imported, { tape }: TapeReport): Promise<TrackReader> {
  return trackOf(await new TapeCatalog(store, { cacheBytes: 32 << 20 }).open(tape ?? ""));
}

/** The whole book after each message that changed it, rebuilt from the tape's event track alone. */
export async function* rebuiltBooks(imported: Imported, report: TapeReport): AsyncGenerator<WholeBook> {
  const book = { bid: new Map<number, number>(), ask: new Map<number, number>() };
  let begun = false;
  for await (const event of (await trackIn(imported, report)).events()) {
    if (event.kind !== "book" || !["applied", "again", "derived"].includes(event.state)) continue;
    // Levels that fall out of what the venue tells of belong to the message before.
    if (begun && event.state !== "derived") yield sorted(book);
    begun = true;
    if (event.isSnapshot) for (const side of [book.bid, book.ask]) side.clear();
    for (const { side, price, amount } of event.levels) {
      if (Number(amount) === 0) book[side].delete(Number(price));
      else book[side].set(Number(price), Number(amount));
    }
  }
  if (begun) yield sorted(book);
}

function sorted(book: Readonly<Record<"bid" | "ask", ReadonlyMap<number, number>>>): WholeBook {
  return {
    bids: [...book.bid].sort(([a], [b]) => b - a),
    asks: [...book.ask].sort(([a], [b]) => a - b),
  };
}
