import { setImmediate } from "node:timers/promises";
import {
  analyticsVersion,
  demoMarket,
  FrameBuilder,
  type FrameParts,
  type IncidentLabel,
  MarketAnalytics,
  type MarketEvent,
  type SimulatedMarket,
  simulatedStartNs,
} from "@tapedeck/market";
import { TapeWriter } from "../format/tape-writer.js";
import type { TapeStore } from "../store/store.js";
import { tapeName } from "../tape-id.js";
import { MarketRecorder } from "../track/market-recorder.js";

/** Which demo market to use. */
interface DemoChoice {
  readonly symbol?: string;
  /** The same seed gives the same market. */
  readonly seed?: number;
  /** 31 by default, so that the frames span at least half an hour. */
  readonly minutes?: number;
}

export interface DemoTapeOptions extends DemoChoice {
  /** `demo` by default. */
  readonly id?: string;
  /** Called about ten times a second with 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
  readonly signal?: AbortSignal;
}

const source = "DEMO";
const defaultSymbol = "BTCUSDT";
/** With this seed detectors find every staged incident of the half hour and raise no false alert of one (demo.test.ts). */
const defaultSeed = 18;
const defaultMinutes = 31;
const framesBetweenProgress = 500;

/** A long demo has a gap: from this time in one of its minutes to the end of that minute. */
const silentFromNs = 20e9;
const silenceNeedsMinutes = 20;

/** The incidents staged in the demo in order of tape time; frames don't contain these labels. */
export function demoLabels({
  symbol = defaultSymbol,
  seed = defaultSeed,
  minutes = defaultMinutes,
}: DemoChoice = {}): IncidentLabel[] {
  return demoMarket({ symbol, seed }).labels(0, minutes * 60e9);
}

/** Writes a tape of the demo market, ten frames a second, with its event track, and with a gap in a long one. Resolves to its `id@version`. */
export async function writeDemoTape(store: TapeStore, options: DemoTapeOptions = {}): Promise<string> {
  const {
    id = "demo",
    symbol = defaultSymbol,
    seed = defaultSeed,
    minutes = defaultMinutes,
    onProgress,
    signal,
  } = options;
  const market = demoMarket({ symbol, seed });
  const { priceDecimals, sizeDecimals } = market.instrument;
  const track = new MarketRecorder({
    exchange: source,
    symbol,
    decimals: { price: priceDecimals, size: sizeDecimals },
    originNs: simulatedStartNs,
  });
  const frames: FrameParts[] = [];
  const builder = new FrameBuilder({
    symbol,
    originNs: simulatedStartNs,
    decimals: 3,
    intervalNs: 100e6,
    analytics: new MarketAnalytics(),
    emit: (parts) => {
      frames.push(parts);
      track.frameMade(builder.book);
    },
    traded: (trade, shown) => track.traded(trade, shown),
  });
  builder.book.listener = track;
  let writer: TapeWriter | undefined;
  const write = async () => {
    for (const frame of frames.splice(0)) {
      writer ??= await TapeWriter.open(store, {
        id,
        symbol,
        source,
        startNs: builder.startNs ?? simulatedStartNs,
        decimals: 3,
        precision: builder.precision,
        intervalMs: 100,
        analyticsVersion,
      });
      await writer.append(frame);
      if (writer.nextSeq % framesBetweenProgress !== 0) continue;
      onProgress?.(Math.min(1, frame.ns / (minutes * 60e9)));
      // Lets the progress display update.
      await setImmediate();
      signal?.throwIfAborted();
    }
    for (const { file, bytes } of track.writer.take()) await writer?.appendTrack(file, bytes);
  };
  try {
    for (const _ of record(market, minutes, builder, track)) if (frames.length > 0) await write();
    builder.end();
    track.writer.end();
    await write();
    if (writer === undefined) throw new RangeError(`${minutes} minutes are too short for a frame`);
    const { version } = await writer.finish(track.writer.summary);
    onProgress?.(1);
    return tapeName(id, version);
  } catch (error) {
    await writer?.abort();
    throw error;
  }
}

/** Feeds the market to the builder event by event. The minute with the gap has no staged incident. */
function* record(
  market: SimulatedMarket,
  minutes: number,
  builder: FrameBuilder,
  track: MarketRecorder,
): Generator<void> {
  const apply = (event: MarketEvent) => {
    track.begin(event.ns);
    builder.apply(event);
  };
  const silentMinute = minutes < silenceNeedsMinutes ? undefined : 2 * Math.floor(0.2 * minutes);
  for (let minute = 0; minute < minutes; minute++) {
    if (minute === 0 || minute - 1 === silentMinute) apply(wholeBook(market.opening(minute)));
    for (const event of market.events(minute)) {
      if (event.ns > minutes * 60e9) return;
      if (minute === silentMinute && event.ns >= minute * 60e9 + silentFromNs) {
        builder.markGap(builder.lastEventNs, "nobody recorded");
        break;
      }
      apply(event);
      yield;
    }
  }
}

/** An opening that replaces the book from before the gap. */
function wholeBook({ ns, change }: MarketEvent): MarketEvent {
  return {
    ns,
    change: (book) => {
      book.clear();
      change?.(book);
    },
  };
}
