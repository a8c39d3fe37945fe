import {
  basicAnalytics,
  fillOfTrades,
  framesPerSegment,
  type MarketTrade,
  type OwnFill,
  type OwnOrder,
  segmentOfFrame,
} from "@tapedeck/market";
import { BlockBuilder } from "../format/block-builder.js";
import { serializeFrame } from "../format/serialize-frame.js";
import type { TapeEvent } from "../tape.js";
import { blocksPerSegment, frameNs, framesPerSimulatedBlock } from "./layout.js";
import { marketOf } from "./market-of.js";
import { FrameRun } from "./running/frame-run.js";
import { SegmentFrames } from "./segment-frames.js";
import type { SimulatedName } from "./simulated-name.js";

/** So many prices take a few milliseconds. */
const pricesPerPause = 100;

/** Receives the raw blocks of a segment, 60 frames each, in order and as soon as they are generated. */
export type OnBlock = (bytes: Uint8Array<ArrayBuffer>) => void;

interface SegmentOptions {
  /** The user's own; those of later segments change nothing, nor do those of more than `impactSegments` before. */
  readonly orders?: readonly OwnOrder[] | undefined;
  /** Called after each 60 frames made, kept or not: it may do something else first, another segment for example. */
  readonly pause?: (() => void) | undefined;
  /** For practice: makes no more than so many blocks, and none of the segment before. */
  readonly only?: number;
}

/**
 * Makes a segment's frames; returns the events in them. Analytics begin anew with the segment before it, whose frames are not
 * kept: so they know a minute of history at a segment's first frame and two at its last, and the bytes are the same however
 * one came here.
 */
export function generateSegment(
  name: SimulatedName,
  segment: number,
  take: OnBlock,
  { orders = [], pause, only }: SegmentOptions = {},
): TapeEvent[] {
  const run = only === undefined ? runOf(name, segment, orders, pause) : FrameRun.from(marketOf(name), segment, orders);
  const events: TapeEvent[] = [];
  for (let block = 0; block < (only ?? blocksPerSegment); block++) {
    events.push(...makeBlock(run, take));
    pause?.();
  }
  return events;
}

/** Makes the next block of a run; returns the events in it. */
export function makeBlock(run: FrameRun, take: OnBlock): TapeEvent[] {
  const block = new BlockBuilder(run.seq, framesPerSimulatedBlock);
  while (block.frames < framesPerSimulatedBlock) {
    const { seq, sizeDecimals } = run;
    block.add(serializeFrame(seq, { ...run.next(), ns: seq * frameNs }, undefined, sizeDecimals));
  }
  take(bytesOf(block.toBytes()));
  return block.events;
}

/** The events in a segment's frames, which are not laid out for that. */
export function eventsIn(
  name: SimulatedName,
  segment: number,
  { orders = [], pause }: SegmentOptions = {},
): TapeEvent[] {
  const run = runOf(name, segment, orders, pause);
  const events: TapeEvent[] = [];
  for (let made = 1; made <= framesPerSegment; made++) {
    const { seq } = run;
    for (const event of run.next().events) events.push({ seq, ns: seq * frameNs, ...event });
    if (made % framesPerSimulatedBlock === 0) pause?.();
  }
  return events;
}

/** The fair price at the beginning of each of these segments. */
export function pricesAt(name: SimulatedName, segments: readonly number[], pause?: () => void): number[] {
  const market = marketOf(name);
  return segments.map((segment, at) => {
    if (at % pricesPerPause === 0) pause?.();
    return market.fairPrice(segment);
  });
}

/** A run that makes the frames of a segment next. */
function runOf(name: SimulatedName, segment: number, orders: readonly OwnOrder[], pause?: () => void): FrameRun {
  const run = FrameRun.before(marketOf(name), segment, orders);
  while (run.seq < segment * framesPerSegment) {
    run.skipBlock();
    pause?.();
  }
  return run;
}

/**
 * What the last of the user's own orders gets, undefined where it gets nothing. The frames of its segment up to it are made for
 * that, without analytics and none before them: what a frame lacks, the market makes up for, so none can be left out.
 */
export function fillOf(name: SimulatedName, orders: readonly OwnOrder[]): OwnFill | undefined {
  const last = orders.at(-1);
  if (last === undefined) return undefined;
  const segment = segmentOfFrame(last.seq);
  const market = marketOf(name);
  if (last.quantity * 10 ** market.instrument.sizeDecimals < 0.5) return undefined; // not worth making a market for
  let trades: readonly MarketTrade[] | undefined;
  const running = market.segment(segment, orders, {
    onTraded: (order, got) => {
      if (order === last) trades = got;
    },
  });
  const frames = new SegmentFrames(market, { analytics: basicAnalytics });
  frames.open(running.opening());
  // A segment opens with the book of the frame before it.
  if (segment > 0) frames.close();
  for (let seq = segment * framesPerSegment; seq <= last.seq; seq++) {
    const { price } = frames.next(running);
    if (trades !== undefined) return fillOfTrades(trades, price);
  }
  return undefined;
}

/** A buffer of its own, which can be handed to another thread. */
function bytesOf(raw: Buffer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(raw.length));
  bytes.set(raw);
  return bytes;
}
