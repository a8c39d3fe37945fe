import type { TrackLine } from "@tapedeck/protocol";
import { mostAnswerChars } from "./tool.js";

/** What one message of the venue said: a trade, or changes of the book, of which a size of 0 removes the level. */
type TrackEvent = TradeMessage | BookMessage;

interface EventStart {
  readonly n: number;
  /** The first frame that shows it. */
  readonly seq: number;
  readonly ts: string;
}

interface TradeMessage extends EventStart {
  readonly trade: { readonly side: string; readonly price: string; readonly size: string };
}

interface BookMessage extends EventStart {
  /** A whole book, which replaces the one before. */
  readonly snapshot?: true;
  readonly bids: (readonly [price: string, size: string])[];
  readonly asks: (readonly [price: string, size: string])[];
  levels_left_out?: number;
}

export interface PageLimits {
  readonly kinds: ReadonlySet<TrackLine["kind"]>;
  readonly events: number;
  /** Of each side of a change of the book. */
  readonly levels: number;
  /** How many lines are read in search of events of the wanted kinds. */
  readonly lines: number;
}

export interface EventPage {
  readonly events: readonly TrackEvent[];
  /** Where the next page begins; null at the end of what was asked for. */
  readonly next_from_n: number | null;
}

/** Joins lines of a track to events, as many as the limits allow. */
export async function eventPage(lines: AsyncIterable<TrackLine>, limits: PageLimits): Promise<EventPage> {
  const events: TrackEvent[] = [];
  let open: TrackEvent | undefined;
  let previous = -1;
  let count = 0;
  let chars = 0;
  for await (const line of lines) {
    count++;
    if (line.n !== previous) {
      previous = line.n;
      if (open !== undefined) chars += JSON.stringify(open).length + 1;
      open = undefined;
      const isFull = events.length >= limits.events || chars > mostAnswerChars / 2;
      if (isFull || count > limits.lines) return { events, next_from_n: line.n };
    }
    if (!limits.kinds.has(line.kind)) continue;
    if (open === undefined) {
      open = eventOf(line);
      events.push(open);
    }
    if ("bids" in open && line.kind === "book") addLevel(open, line, limits.levels);
  }
  return { events, next_from_n: null };
}

function eventOf(line: TrackLine): TrackEvent {
  const start = { n: line.n, seq: line.seq, ts: line.timestamp };
  if (line.kind === "trade") return { ...start, trade: { side: line.side, price: line.price, size: line.amount } };
  return { ...start, ...(line.is_snapshot && { snapshot: true }), bids: [], asks: [] };
}

function addLevel(
  event: BookMessage,
  { side, price, amount }: Extract<TrackLine, { kind: "book" }>,
  most: number,
): void {
  const levels = side === "bid" ? event.bids : event.asks;
  if (levels.length < most) levels.push([price, amount]);
  else event.levels_left_out = (event.levels_left_out ?? 0) + 1;
}
