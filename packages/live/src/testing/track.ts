import { type BookLevel, OrderBook } from "@tapedeck/market";
import {
  BlockCache,
  parseTapeName,
  RecordedTape,
  type Seq,
  type TapeStore,
  type TrackedEvent,
  type TrackedTrade,
  type TrackedUpdate,
  type TrackReader,
  trackOf,
} from "@tapedeck/tape";
import { z } from "zod";

interface ReadTrack {
  readonly tape: RecordedTape;
  readonly track: TrackReader;
  readonly events: readonly TrackedEvent[];
  readonly updates: readonly TrackedUpdate[];
  readonly trades: readonly TrackedTrade[];
}

/** The event track of a finished tape. */
export async function readTrack(store: TapeStore, name: string): Promise<ReadTrack> {
  const { id, version = 1 } = parseTapeName(name);
  const tape = await RecordedTape.open(store, id, version, new BlockCache(32 << 20));
  const track = trackOf(tape);
  const events: TrackedEvent[] = [];
  for await (const event of track.events()) events.push(event);
  return {
    ...{ tape, track, events },
    updates: events.flatMap((event) => (event.kind === "book" ? [event] : [])),
    trades: events.flatMap((event) => (event.kind === "trade" ? [event] : [])),
  };
}

interface CheckedTrack {
  /** What is wrong with it. */
  readonly flaws: readonly string[];
  /** Frames that were compared with the book that the events lead to. */
  readonly checked: number;
  /** Their reasons. */
  readonly gaps: readonly string[];
  readonly events: number;
}

/**
 * Compares the event track of a finished tape with its frames. Each message has to be there once, and the numbers of the events may have a hole only at
 * a gap; the events up to a frame have to lead to its best levels, and its trades to be those of the frame, except within a gap.
 */
export async function checkTrack(store: TapeStore, name: string): Promise<CheckedTrack> {
  const { tape, events } = await readTrack(store, name);
  const gaps = tape.manifest.track?.gaps ?? [];
  const flaws = orderFlaws(events, new Set(gaps.map(({ after_n }) => after_n)));
  const { firstSeq, lastSeq } = tape.span;
  const unknown = gaps.map(({ after_n }) => unknownFrames(events, after_n, lastSeq));
  const book = new OrderBook();
  let next = 0;
  let checked = 0;
  for (let seq = firstSeq; seq <= lastSeq; seq++) {
    let traded = 0;
    for (let event = events[next]; event !== undefined && event.seq <= seq; event = events[++next]) {
      if (event.kind === "book") apply(book, event);
      else if (event.state === "applied") traded++;
    }
    if (unknown.some(({ from, to }) => seq >= from && seq < to)) continue;
    checked++;
    const block = await tape.load(seq);
    const { bids, asks } = frame.parse(JSON.parse(block.json(seq)));
    const shown = JSON.stringify([real(bids), real(asks)]);
    const rebuilt = JSON.stringify([book.bids.top(20), book.asks.top(20)]);
    if (shown !== rebuilt) flaws.push(`frame ${seq} shows ${shown}, and the events lead to ${rebuilt}`);
    const trades = block.tradeCountOf(seq);
    if (traded !== trades) flaws.push(`frame ${seq} has ${trades} trades, and the events have ${traded}`);
  }
  return { flaws, checked, gaps: gaps.map(({ reason }) => reason), events: events.length };
}

/** @param afterGap the last events before each gap */
function orderFlaws(events: readonly TrackedEvent[], beforeGap: ReadonlySet<number>): string[] {
  const flaws: string[] = [];
  const heard = new Set<number>();
  for (const [at, { n, seq, heard: message, state }] of events.entries()) {
    if (state !== "derived" && heard.has(message)) flaws.push(`message ${message} is there twice`);
    heard.add(message);
    const before = events[at - 1];
    if (before === undefined) continue;
    if (n !== before.n + 1 && !beforeGap.has(before.n)) flaws.push(`event ${n} follows on ${before.n}`);
    if (seq < before.seq) flaws.push(`event ${n} is of frame ${seq}, after one of frame ${before.seq}`);
  }
  return flaws;
}

const frame = z.object({
  bids: z.array(z.tuple([z.number(), z.number()])),
  asks: z.array(z.tuple([z.number(), z.number()])),
});

/** Without the levels that fill a frame up. */
function real(levels: readonly BookLevel[]): BookLevel[] {
  return levels.filter(([, size]) => size > 0);
}

function apply(book: OrderBook, { state, isSnapshot, levels }: TrackedUpdate): void {
  if (state !== "applied" && state !== "derived") return;
  if (isSnapshot) book.clear();
  for (const { side, price, amount } of levels) book.set(side, Number(price), Number(amount));
}

/** From the frame with the last event before a gap to the one with the first whole book after it. */
function unknownFrames(events: readonly TrackedEvent[], afterN: number, lastSeq: Seq): { from: Seq; to: Seq } {
  const from = events.findLast(({ n }) => n <= afterN)?.seq ?? 0;
  const whole = events.find(
    (event) => event.n > afterN && event.kind === "book" && event.isSnapshot && event.state === "applied",
  );
  return { from, to: whole?.seq ?? lastSeq + 1 };
}
