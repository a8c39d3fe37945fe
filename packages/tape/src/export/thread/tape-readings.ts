import type { Seq, Tape } from "../../tape.js";
import type { TrackDecimals } from "../../track/track.js";
import { pinnedTrackOf, type RowTrack } from "../../track/track-of.js";
import type { TrackRange } from "../../track/track-reader.js";
import type { BatchKind, EncodeTask, SentFrames, TapeAnswer, TapeCall } from "./messages.js";

type Answers = AsyncGenerator<TapeAnswer, void, undefined>;

interface PricedRows {
  readonly price: Float64Array;
  readonly amount: Float64Array;
}

/** The decimals of a growing tape can be more than those of a file that was begun earlier, whose numbers all fit its own. */
function withDecimals<Rows extends PricedRows>(rows: Rows, have: TrackDecimals, want: TrackDecimals = have): Rows {
  if (have.price === want.price && have.size === want.size) return rows;
  const [price, amount] = [10 ** (have.price - want.price), 10 ** (have.size - want.size)];
  return {
    ...rows,
    price: rows.price.map((units) => Math.round(units / price)),
    amount: rows.amount.map((units) => Math.round(units / amount)),
  };
}

/** Reads a tape for a thread that encodes its rows. */
export class TapeReadings {
  readonly #tape: Tape;
  readonly #task: EncodeTask;
  #track: Promise<RowTrack> | undefined;
  /** Readings of an event track that have not ended, by their number. */
  readonly #open = new Map<number, Answers>();

  constructor(tape: Tape, task: EncodeTask) {
    this.#tape = tape;
    this.#task = task;
  }

  /** Rejects as reading the tape does. */
  async answer(call: TapeCall): Promise<TapeAnswer> {
    if (call.read === "frames") return { frames: await this.#frames(call.seq) };
    if (call.read === "book") return { wholeBook: await (await this.#pinned()).bookAt(call.place) };
    if (call.read === "leave") {
      await this.#open.get(call.reading)?.return();
      this.#open.delete(call.reading);
      return {};
    }
    const { kind, reading, range } = call;
    const batches = this.#open.get(reading) ?? this.#batches(kind, range);
    this.#open.set(reading, batches);
    return (await batches.next()).value ?? {};
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((batches) => batches.return()));
  }

  async #frames(seq: Seq): Promise<SentFrames> {
    const block = await this.#tape.load(seq);
    const { content, range } = this.#task;
    const [firstSeq, lastSeq] = [Math.max(block.firstSeq, range.from), Math.min(block.lastSeq, range.to)];
    const each = <T>(value: (seq: Seq) => T): T[] =>
      Array.from({ length: lastSeq - firstSeq + 1 }, (_, nth) => value(firstSeq + nth));
    const ofFrames = (text: (seq: Seq) => string) => (content === "frames" ? each(text) : []);
    return {
      firstSeq,
      lastSeq,
      ns: each((at) => block.nsOf(at)),
      gapsBefore: each((at) => block.gapBeforeNsOf(at)),
      tradeCounts: each((at) => block.tradeCountOf(at)),
      json: ofFrames((at) => block.json(at)),
      anomalies: ofFrames((at) => block.anomalies(at)),
      trades: content === "bars" ? each((at) => block.trades(at)) : [],
    };
  }

  /** One that grows is read as it was when it was read first. */
  #pinned(): Promise<RowTrack> {
    this.#track ??= pinnedTrackOf(this.#tape, { seq: this.#task.range.to + 1 });
    return this.#track;
  }

  async *#batches(kind: BatchKind, range: TrackRange): Answers {
    const track = await this.#pinned();
    const scaled = <Rows extends PricedRows>(rows: Rows) =>
      withDecimals(rows, track.decimals, this.#task.track?.decimals);
    if (kind === "book") {
      for await (const { origin, ...batch } of track.bookBatches(range)) {
        yield { book: { ...scaled(batch), ofOrigin: await origin() } };
      }
    } else if (kind === "trades") {
      for await (const { origin, ...batch } of track.tradeBatches(range)) {
        yield { trades: { ...scaled(batch), ofOrigin: await origin() } };
      }
    } else if (track.orders !== undefined) {
      for await (const batch of track.orders.batches(range)) yield { orders: batch };
    }
  }
}
