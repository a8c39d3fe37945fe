import {
  basicAnalytics,
  type FrameParts,
  fillOfTrades,
  framesPerSegment,
  MarketAnalytics,
  type MarketTrade,
  type OwnFill,
  type OwnOrder,
  SimulatedMarket,
  segmentOfFrame,
} from "@tapedeck/market";
import { TapeNotFound } from "../errors.js";
import { BlockBuilder } from "../format/block-builder.js";
import { serializeFrame } from "../format/serialize-frame.js";
import type { TapeEvent } from "../tape.js";
import { frameNs, framesPerSimulatedBlock } from "./layout.js";
import { SegmentFrames } from "./segment-frames.js";
import { canGenerate, type SimulatedName, simulatedId } from "./simulated-name.js";

/** So many prices take a few milliseconds. */
const pricesPerPause = 100;

/** Receives the raw blocks of a segment, 60 frames each, in order and as soon as they are generated. */
export type OnBlock = (bytes: Uint8Array<ArrayBuffer>) => void;

interface SegmentOptions {
  /** The user's own; those of later segments change nothing, nor do those of more than `impactSegments` before. */
  readonly orders?: readonly OwnOrder[] | undefined;
  /** Called after each 60 frames made, kept or not: it may do something else first, another segment for example. */
  readonly pause?: () => void;
  /** For practice: makes no more than so many frames, and none of the segment before. */
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
  options: SegmentOptions = {},
): TapeEvent[] {
  const market = marketOf(name);
  let block: BlockBuilder | undefined;
  const events: TapeEvent[] = [];
  for (const { seq, parts } of framesOf(segment, market, options)) {
    block ??= new BlockBuilder(seq, framesPerSimulatedBlock);
    block.add(serializeFrame(seq, { ...parts, ns: seq * frameNs }, undefined, market.instrument.sizeDecimals));
    if (block.frames < framesPerSimulatedBlock) continue;
    events.push(...block.events);
    take(bytesOf(block.toBytes()));
    block = undefined;
  }
  return events;
}

/** The events in a segment's frames, which are not laid out for that. */
export function eventsIn(name: SimulatedName, segment: number, options: SegmentOptions = {}): TapeEvent[] {
  const events: TapeEvent[] = [];
  for (const { seq, parts } of framesOf(segment, marketOf(name), options)) {
    for (const event of parts.events) events.push({ seq, ns: seq * frameNs, ...event });
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

/** The frames of a segment, after those of the one before it, by which analytics begin. */
function* framesOf(
  segment: number,
  market: SimulatedMarket,
  { orders = [], pause, only }: SegmentOptions,
): Generator<{ readonly seq: number; readonly parts: FrameParts }> {
  const first = only === undefined ? Math.max(0, segment - 1) : segment;
  const frames = new SegmentFrames(market, { analytics: new MarketAnalytics() });
  frames.open(market.opening(first, orders));
  let made = 0;
  for (let number = first; number <= segment; number++) {
    let seq = number * framesPerSegment;
    for (const parts of frames.of(market.segment(number, orders))) {
      if (number === segment) yield { seq, parts };
      seq++;
      if (++made === only) return;
      if (made % framesPerSimulatedBlock === 0) pause?.();
    }
  }
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
  frames.open(market.opening(segment, orders));
  // A segment opens with the book of the frame before it.
  if (segment > 0) frames.close();
  for (const { price } of frames.of(running)) {
    if (trades !== undefined) return fillOfTrades(trades, price);
  }
  return undefined;
}

/** Throws `TapeNotFound` for one that this release cannot generate. */
export function marketOf(name: SimulatedName): SimulatedMarket {
  if (!canGenerate(name)) throw new TapeNotFound(`${simulatedId(name)}@${name.version}`);
  return new SimulatedMarket(name);
}

/** A buffer of its own, which can be handed to another thread. */
function bytesOf(raw: Buffer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(raw.length));
  bytes.set(raw);
  return bytes;
}
