import type { BookLevel, BookSideName } from "@tapedeck/market";
import type { TradeSide } from "@tapedeck/protocol";
import type { EventState, Seq } from "@tapedeck/tape";
import { eventStates } from "@tapedeck/tape/blocks"; // without all that reads tapes: a thread starts with this file
import { z } from "zod";

/**
 * The prices between which a book has every level; infinite where there is no limit. `levels`: between its outermost levels, since the venue
 * says nothing beyond a number of them.
 */
export type KnownPrices = { readonly low: number; readonly high: number } | "levels";

/** When a message was said and heard. */
interface Heard {
  /** Nanoseconds since 1970 by the venue's clock. */
  readonly timestampNs: bigint;
  /** By the cluster's clock. */
  readonly receivedNs: bigint;
  /** Its number in the order in which the feed received it, from 0. */
  readonly heard: number;
}

/** A message about the book. */
export interface BookEntry extends Heard {
  readonly kind: "book";
  readonly state: EventState;
  /** Whether these are all levels, instead of changes; size 0 removes a level. */
  readonly snapshot: boolean;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** The venue's update ids. */
  readonly ids?: { readonly first?: number; readonly last: number; readonly previous?: number | undefined } | undefined;
  /** Of a snapshot, if it is cut. */
  readonly known?: KnownPrices | undefined;
}

interface TradeEntry extends Heard {
  readonly kind: "trade";
  readonly state: EventState;
  readonly id: number | string | undefined;
  readonly side: TradeSide;
  readonly price: number;
  readonly size: number;
}

/** Levels that were removed though no message said so: they are beyond the depth that the venue updates. */
interface DerivedEntry {
  readonly kind: "derived";
  readonly side: BookSideName;
  readonly prices: readonly number[];
}

/** Something may be missing between the events before and after it. */
interface GapEntry {
  readonly kind: "gap";
  readonly reason: string;
}

/** The whole book after the events so far, with the times of the last: so that older ones can be erased. No event. */
interface FullEntry extends Heard {
  readonly kind: "full";
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  readonly known?: KnownPrices | undefined;
}

/** What a feed adds to the event track of a live tape. */
export type TrackEntry = BookEntry | TradeEntry | DerivedEntry | GapEntry | FullEntry;

/** An entry in its place. */
export type PlacedEntry = TrackEntry & {
  /** The event's number. Of an entry that is no event, that of the next one. */
  readonly n: number;
  /** The first frame that shows it. */
  readonly seq: Seq;
};

/** Whether an entry has a number of its own. */
export function isEvent({ kind }: TrackEntry): boolean {
  return kind !== "gap" && kind !== "full";
}

/** Whether a reader can begin here, knowing nothing of the events before. */
export function isWholeBook(entry: TrackEntry): boolean {
  return entry.kind === "full" || (entry.kind === "book" && entry.snapshot && entry.state === "applied");
}

// HOT: once per message of a venue.
/** An entry as a line of JSON, without the line's end. `heard` counts from `heardFrom`. */
export function encodeEntry(entry: TrackEntry, n: number, seq: Seq, heardFrom: number): string {
  const place = `{"n":${n},"seq":${seq},`;
  switch (entry.kind) {
    case "book": {
      const { ids, known } = entry;
      const idText = ids ? `,"i":[${ids.first ?? null},${ids.last},${ids.previous ?? null}]` : "";
      const snapshot = entry.snapshot ? `,"w":1` : "";
      return `${place}${heardText(entry, heardFrom)},"s":"${entry.state}"${snapshot}${idText}${knownText(known)},"b":${flat(entry.bids)},"a":${flat(entry.asks)}}`;
    }
    case "trade": {
      const id = entry.id === undefined ? "" : `"id":${JSON.stringify(entry.id)},`;
      return `${place}${heardText(entry, heardFrom)},"s":"${entry.state}",${id}"side":"${entry.side}","p":${entry.price},"v":${entry.size}}`;
    }
    case "derived":
      return `${place}"side":"${entry.side}","d":${JSON.stringify(entry.prices)}}`;
    case "gap":
      return `${place}"gap":${JSON.stringify(entry.reason)}}`;
    case "full":
      return `${place}"full":1,${heardText(entry, heardFrom)}${knownText(entry.known)},"b":${flat(entry.bids)},"a":${flat(entry.asks)}}`;
  }
}

function heardText({ timestampNs, receivedNs, heard }: Heard, heardFrom: number): string {
  return `"h":${heardFrom + heard},"t":"${timestampNs}","r":"${receivedNs}"`;
}

function knownText(known: KnownPrices | undefined): string {
  if (known === undefined) return "";
  if (known === "levels") return `,"k":"levels"`;
  const bound = (price: number) => (Number.isFinite(price) ? price : null);
  return `,"k":[${bound(known.low)},${bound(known.high)}]`;
}

function flat(levels: readonly BookLevel[]): string {
  let text = "";
  for (const [price, size] of levels) text += `${text && ","}${price},${size}`;
  return `[${text}]`;
}

const whole = z.int().nonnegative();
const ns = z.string().regex(/^-?\d{1,20}$/);
const states = z.enum(eventStates);
const place = { n: whole, seq: whole };
const times = { h: whole, t: ns, r: ns };
const heard = { ...times, s: states };
const levels = z.array(z.number());
const bound = z.number().nullable();
const bounds = z.union([z.literal("levels"), z.tuple([bound, bound])]).optional();

const line = z.union([
  z.object({
    ...place,
    ...heard,
    w: z.literal(1).optional(),
    i: z.tuple([z.number().nullable(), z.number(), z.number().nullable()]).optional(),
    k: bounds,
    b: levels,
    a: levels,
  }),
  z.object({
    ...place,
    ...heard,
    id: z.union([z.string(), z.number()]).optional(),
    side: z.enum(["buy", "sell", "unknown"]),
    p: z.number(),
    v: z.number(),
  }),
  z.object({ ...place, side: z.enum(["bid", "ask"]), d: z.array(z.number()) }),
  z.object({ ...place, gap: z.string() }),
  z.object({ ...place, full: z.literal(1), ...times, k: bounds, b: levels, a: levels }),
]);

/** Reads a line of `encodeEntry`. Throws if it is not one. */
export function decodeEntry(text: string): PlacedEntry {
  const fields = line.parse(JSON.parse(text));
  const { n, seq } = fields;
  if ("gap" in fields) return { n, seq, kind: "gap", reason: fields.gap };
  if ("d" in fields) return { n, seq, kind: "derived", side: fields.side, prices: fields.d };
  const said = { heard: fields.h, timestampNs: BigInt(fields.t), receivedNs: BigInt(fields.r) };
  if ("full" in fields) return { n, seq, kind: "full", ...said, ...sidesOf(fields) };
  const { s: state } = fields;
  if ("p" in fields) {
    const { id, side, p: price, v: size } = fields;
    return { n, seq, kind: "trade", ...said, state, id, side, price, size };
  }
  const [first, last, previous] = fields.i ?? [];
  const ids =
    last === undefined ? undefined : { ...(first != null && { first }), last, previous: previous ?? undefined };
  return { n, seq, kind: "book", ...said, state, snapshot: fields.w === 1, ids, ...sidesOf(fields) };
}

/** The entries of lines, each with its end. Throws if one is no entry. */
export function* entriesOf(lines: Buffer): Generator<PlacedEntry, void, undefined> {
  let from = 0;
  for (let to = lines.indexOf(10); to >= 0; to = lines.indexOf(10, from)) {
    yield decodeEntry(lines.toString("utf8", from, to));
    from = to + 1;
  }
}

function sidesOf({ k, b, a }: { k?: z.infer<typeof bounds>; b: number[]; a: number[] }) {
  return { known: knownOf(k), bids: pairs(b), asks: pairs(a) };
}

function knownOf(k: z.infer<typeof bounds>): KnownPrices | undefined {
  if (k === undefined || k === "levels") return k;
  return { low: k[0] ?? Number.NEGATIVE_INFINITY, high: k[1] ?? Number.POSITIVE_INFINITY };
}

function pairs(numbers: readonly number[]): BookLevel[] {
  const found: BookLevel[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) found.push([numbers[at] ?? 0, numbers[at + 1] ?? 0]);
  return found;
}

/** An entry that is to be stored, with its line. */
export interface UnstoredLine {
  readonly text: string;
  readonly n: number;
  readonly seq: Seq;
  readonly entry: TrackEntry;
}

/** Undefined if it is no line of `encodeEntry`. */
export function unstoredLineOf(text: string): UnstoredLine | undefined {
  try {
    const entry = decodeEntry(text);
    return { text, n: entry.n, seq: entry.seq, entry };
  } catch {
    return undefined; // another release wrote it: what cannot be read is left out
  }
}

/** When it was said, by the venue's clock; undefined of an entry that no message is. */
export function timestampOf(entry: TrackEntry): bigint | undefined {
  return "timestampNs" in entry ? entry.timestampNs : undefined;
}
