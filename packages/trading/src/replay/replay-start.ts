import { frameMs, segmentMs } from "@tapedeck/market";
import type { TapeEvent } from "@tapedeck/matching";
import { parseSimulatedName, pinnedTrackOf, type Seq, type Tape } from "@tapedeck/tape";
import type { EventSource } from "../events/event-windows.js";
import { frameTime } from "../events/tape-clock.js";

/** How long before its first action a chain's engine begins, so that it knows the market's last trade. Tape time. */
const warmUpNs = 60_000_000_000n;

/** Frames of a part of a simulated market, which begins with all of its orders. */
const segmentFrames = segmentMs / frameMs;

/** Where an engine begins: everything that the frames up to `seq` show has happened, and is in `book`. */
export interface ReplayStart {
  readonly seq: Seq;
  /** Undefined: nothing has happened. */
  readonly book: TapeEvent | undefined;
}

/**
 * Where the engine of a chain begins whose first action was sent at `firstNs`: a function of that and the tape alone, so that all nodes begin at the
 * same place. Queues of single orders are known from the tape's beginning on, or from that of a minute of a simulated market.
 */
export async function startOf(source: EventSource, firstNs: bigint | undefined): Promise<ReplayStart> {
  const { tape, orders } = source;
  const { firstSeq } = tape.span;
  if (firstNs === undefined) return { seq: firstSeq - 1, book: undefined };
  const warm = Number(firstNs - warmUpNs - tape.startNs);
  const near = Math.max(firstSeq, await tape.seqAt(Math.max(warm, tape.span.firstNs)));
  const seq = orders ? beginningOfOrders(tape, near) : near;
  if (seq < firstSeq) return { seq: firstSeq - 1, book: undefined };
  return { seq, book: await bookEvent({ ...source, tape: tape.asOf?.(seq) ?? tape }, seq) };
}

function beginningOfOrders({ id, span }: Tape, near: Seq): Seq {
  if (parseSimulatedName(id) === undefined) return span.firstSeq - 1;
  return Math.floor(near / segmentFrames) * segmentFrames - 1;
}

/** The whole book as a frame shows it, as an event at the frame's time. */
async function bookEvent(source: EventSource, seq: Seq): Promise<TapeEvent> {
  const { n, bids, asks } = await bookOf(source, seq);
  const levels = (side: "bid" | "ask", of: typeof bids) =>
    of.map(([priceUnits, amountUnits]) => ({ side, priceUnits, amountUnits }));
  return {
    kind: "book",
    n,
    timestampNs: await frameTime(source.tape, seq),
    isSnapshot: true,
    levels: [...levels("bid", bids), ...levels("ask", asks)],
  };
}

type UnitLevels = (readonly [priceUnits: number, amountUnits: number])[];

/** The whole book as a frame shows it, and the number of the last event by then. Rejects as reading the tape does. */
export async function bookOf(
  { tape, decimals }: EventSource,
  seq: Seq,
): Promise<{ readonly n: number; readonly bids: UnitLevels; readonly asks: UnitLevels }> {
  const track = await pinnedTrackOf(tape, { seq: seq + 1 });
  const { n, bids, asks } = await track.bookAt({ seq });
  const [price, size] = [Number(`1e${decimals.price}`), Number(`1e${decimals.size}`)];
  const units = (levels: typeof bids): UnitLevels =>
    levels.map(([at, amount]) => [Math.round(at * price), Math.round(amount * size)]);
  return { n, bids: units(bids), asks: units(asks) };
}
