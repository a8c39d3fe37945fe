import type { Seq } from "../tape.js";
import { type BookBatch, bookSides, effectiveStates, type TradeBatch, tradeSides } from "../track/batches.js";
import { columnsOf } from "../track/columns.js";
import type { Column, GroupValues } from "../track/parquet-file.js";
import { eventStates } from "../track/track.js";
import { pinnedTrackOf, type RowTrack } from "../track/track-of.js";
import type { TrackRange } from "../track/track-reader.js";
import type { SeqRange } from "./export-range.js";
import type { RowBatch, RowSource, RowTape, TextColumn } from "./row-source.js";
import { doneOf, marketOf, optionalWholesOf, textsOf, wholesOf } from "./track-values.js";

export interface TrackRowRange extends SeqRange {
  /** The whole track, with what no frame shows. */
  readonly whole: boolean;
}

/**
 * Level changes or trades as the event track has them, in its columns. A book that does not begin with the tape begins with the whole book
 * of the frame before its first one, as rows with `is_snapshot`. Rejects with `TrackNotFound`. Of a tape that grows, the rows end where it ends now.
 */
export async function trackRows(tape: RowTape, file: "book" | "trades", range: TrackRowRange): Promise<RowSource> {
  const track = await pinnedTrackOf(tape);
  const columns = columnsOf(track.decimals)[file];
  return {
    columns,
    csvColumns: csvColumnsOf(columns),
    timeDecimals: tape.decimals,
    batches: () => (file === "book" ? bookBatches(tape, track, range) : tradeBatches(tape, track, range)),
  };
}

/** Tardis' columns, then ours; times once as Tardis has them, and once exactly and with the source's decimals. */
function csvColumnsOf(columns: readonly Column[]): TextColumn[] {
  const exact = new Map([
    ["timestamp", "venue_time"],
    ["local_timestamp", "receive_time"],
  ]);
  return [
    ...columns.map((of) => ({ name: of.name, of, microseconds: exact.has(of.name) })),
    ...columns.flatMap((of) => {
      const name = exact.get(of.name);
      return name === undefined ? [] : [{ name, of }];
    }),
  ];
}

type Batches = ReturnType<RowSource["batches"]>;

async function* bookBatches(tape: RowTape, track: RowTrack, range: TrackRowRange): Batches {
  if (!range.whole && range.from > tape.span.firstSeq) {
    const before = await bookAfter(tape, track, range.from - 1);
    if (before !== undefined) yield before;
  }
  for await (const batch of track.bookBatches(placesOf(range))) {
    const origin = await batch.origin();
    yield {
      rows: batch.rows,
      done: doneOf(batch, range),
      values: {
        ...commonValues(tape, batch, origin),
        side: textsOf(batch.side, bookSides),
        is_snapshot: Array.from(batch.isSnapshot, (flag) => flag === 1),
        first_id: optionalWholesOf(origin.firstId),
        last_id: optionalWholesOf(origin.lastId),
        previous_id: optionalWholesOf(origin.previousId),
      },
    };
  }
}

async function* tradeBatches(tape: RowTape, track: RowTrack, range: TrackRowRange): Batches {
  for await (const batch of track.tradeBatches(placesOf(range))) {
    const origin = await batch.origin();
    yield {
      rows: batch.rows,
      done: doneOf(batch, range),
      values: {
        ...commonValues(tape, batch, origin),
        side: textsOf(batch.side, tradeSides),
        id: [...origin.id],
      },
    };
  }
}

/** The events that the frames of a range show first. */
export function placesOf({ from, to, whole }: TrackRowRange): TrackRange {
  return whole ? {} : { from: { seq: from }, to: { seq: to + 1 } };
}

type Origin = Pick<Awaited<ReturnType<BookBatch["origin"]>>, "localTimestamp" | "heard">;

function commonValues(tape: RowTape, batch: BookBatch | TradeBatch, { localTimestamp, heard }: Origin): GroupValues {
  return {
    ...marketOf(tape, batch.rows),
    timestamp: batch.timestamp,
    local_timestamp: localTimestamp,
    price: wholesOf(batch.price),
    amount: wholesOf(batch.amount),
    n: wholesOf(batch.n),
    seq: wholesOf(batch.seq),
    heard: wholesOf(heard),
    state: textsOf(batch.state, eventStates),
  };
}

/** The whole book that a frame shows, as a snapshot of the moment of its last update. */
async function bookAfter(tape: RowTape, track: RowTrack, seq: Seq): Promise<RowBatch | undefined> {
  const book = await track.bookAt({ seq });
  const last = await lastUpdate(track, book.n, seq, tape.span.firstSeq);
  if (last === undefined) return undefined;
  const levels = [
    ...book.bids.map(([price, size]) => ({ side: "bid", price, size })),
    ...book.asks.map(([price, size]) => ({ side: "ask", price, size })),
  ];
  if (levels.length === 0) return undefined;
  const each = <T>(value: T) => new Array<T>(levels.length).fill(value);
  const units = (value: number, decimals: number) => BigInt(Math.round(value * Number(`1e${decimals}`)));
  return {
    rows: levels.length,
    done: 0,
    values: {
      ...marketOf(tape, levels.length),
      timestamp: each(last.timestamp),
      local_timestamp: each(last.localTimestamp),
      is_snapshot: each(true),
      side: levels.map(({ side }) => side),
      price: levels.map(({ price }) => units(price, track.decimals.price)),
      amount: levels.map(({ size }) => units(size, track.decimals.size)),
      n: each(BigInt(last.n)),
      seq: each(BigInt(last.seq)),
      heard: each(BigInt(last.heard)),
      state: each("applied"),
      first_id: each(undefined),
      last_id: each(Number.isNaN(last.lastId) ? undefined : BigInt(last.lastId)),
      previous_id: each(undefined),
    },
  };
}

interface LastUpdate {
  readonly n: number;
  readonly seq: Seq;
  readonly timestamp: bigint;
  readonly localTimestamp: bigint;
  readonly heard: number;
  readonly lastId: number;
}

/** The last event up to number `n` that changed the book, sought backwards from a frame. */
async function lastUpdate(track: RowTrack, n: number, seq: Seq, firstSeq: Seq): Promise<LastUpdate | undefined> {
  for (let frames = 64; ; frames *= 16) {
    const start = Math.max(firstSeq, seq - frames);
    let found: LastUpdate | undefined;
    for await (const batch of track.bookBatches({ from: { seq: start }, to: { n: n + 1 } })) {
      const row = batch.state.findLastIndex((state) => state < effectiveStates);
      if (row >= 0) found = await updateAt(batch, row);
    }
    if (found !== undefined || start === firstSeq) return found;
  }
}

async function updateAt(batch: BookBatch, row: number): Promise<LastUpdate> {
  const { localTimestamp, heard, lastId } = await batch.origin();
  return {
    n: batch.n[row] ?? 0,
    seq: batch.seq[row] ?? 0,
    timestamp: batch.timestamp[row] ?? 0n,
    localTimestamp: localTimestamp[row] ?? 0n,
    heard: heard[row] ?? 0,
    lastId: lastId[row] ?? Number.NaN,
  };
}
