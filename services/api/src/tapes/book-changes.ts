import { setImmediate as others } from "node:timers/promises";
import type { BookChanges } from "@tapedeck/protocol";
import { effectiveStates, type Seq, type TrackReader } from "@tapedeck/tape";

interface FrameRange {
  readonly from: Seq;
  /** The last one. */
  readonly to: Seq;
  /** Whether the book of the first frame comes first. */
  readonly whole: boolean;
  /** Whether the track has all events of these frames already. While a tape grows, its events follow its frames. */
  readonly finished: boolean;
}

type Levels = BookChanges["bids"];

/** Characters of lines that are sent at once. */
const pieceLength = 64 * 1024;

/**
 * The book of a frame and what later ones change in it as NDJSON, as `bookChanges` of packages/protocol describes it: a line for each frame that
 * changes the book, and one for the last frame once its events are all there, which says that nothing is missing. A level that changes several times within a frame has its last
 * size. Fails as reading the track does.
 */
export async function* changeLines(
  track: TrackReader,
  { from, to, whole, finished }: FrameRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  let text = whole ? await wholeLine(track, from) : "";
  let changes = new FrameChanges(from, track.decimals);
  for await (const { rows, seq, state, isSnapshot, side, price, amount } of track.bookBatches({
    from: { seq: from + 1 },
    to: { seq: to + 1 },
  })) {
    for (let at = 0; at < rows; at++) {
      if ((state[at] ?? effectiveStates) >= effectiveStates) continue;
      const frame = seq[at] ?? changes.seq;
      if (frame !== changes.seq) {
        if (changes.seq > from) text += await changes.line(track);
        changes = new FrameChanges(frame, track.decimals);
        if (text.length >= pieceLength) {
          yield Buffer.from(text);
          text = "";
          await others(); // a client that reads quickly would leave no time for other requests
        }
      }
      changes.add(isSnapshot[at] === 1, side[at] === 0, price[at] ?? 0, amount[at] ?? 0);
    }
  }
  if (changes.seq > from) text += await changes.line(track);
  const isWritten = changes.seq === to && (to > from || whole);
  if (finished && !isWritten) text += lineOf({ seq: to, whole: false, bids: [], asks: [] });
  yield Buffer.from(text);
}

/** What one frame changes in the book. */
class FrameChanges {
  readonly seq: Seq;
  readonly #decimals: TrackReader["decimals"];
  readonly #bids = new Map<number, number>();
  readonly #asks = new Map<number, number>();
  /** A whole book replaces all that was known, also of prices that it does not have. */
  #replaced = false;

  constructor(seq: Seq, decimals: TrackReader["decimals"]) {
    this.seq = seq;
    this.#decimals = decimals;
  }

  // HOT: once for each level that changes.
  add(isSnapshot: boolean, isBid: boolean, price: number, amount: number): void {
    this.#replaced ||= isSnapshot;
    (isBid ? this.#bids : this.#asks).set(price, amount);
  }

  async line(track: TrackReader): Promise<string> {
    if (this.#replaced) return wholeLine(track, this.seq);
    return lineOf({ seq: this.seq, whole: false, bids: this.#levels(this.#bids), asks: this.#levels(this.#asks) });
  }

  #levels(side: ReadonlyMap<number, number>): Levels {
    const { price, size } = this.#decimals;
    return Array.from(side, ([at, amount]): [string, string] => [decimal(at, price), decimal(amount, size)]);
  }
}

/** All levels as a frame shows them. */
async function wholeLine(track: TrackReader, seq: Seq): Promise<string> {
  const { bids, asks, knownLow, knownHigh, limitsKnown } = await track.bookAt({ seq });
  const { price, size } = track.decimals;
  const levels = (side: typeof bids): Levels =>
    side.map(([at, amount]): [string, string] => [at.toFixed(price), amount.toFixed(size)]);
  return lineOf({
    ...{ seq, whole: true, bids: levels(bids), asks: levels(asks) },
    known_low: knownLow?.toFixed(price) ?? null,
    known_high: knownHigh?.toFixed(price) ?? null,
    limits_known: limitsKnown,
  });
}

function lineOf(changes: BookChanges): string {
  return `${JSON.stringify(changes)}\n`;
}

/** Whole numbers of the last decimal as a decimal: exact, since they have at most 15 digits. */
function decimal(units: number, decimals: number): string {
  return (units / 10 ** decimals).toFixed(decimals);
}
