import { setImmediate } from "node:timers/promises";
import { analyticsVersion, demoMarket, FrameBuilder, type FrameParts, MarketAnalytics } from "@tapedeck/market";
import type { TapeStore } from "../store.js";
import { tapeName } from "../tape-id.js";
import { TapeWriter } from "../tape-writer.js";

export interface DemoTapeOptions {
  /** `demo` by default. */
  readonly id?: string;
  readonly symbol?: string;
  /** The same seed gives the same market. */
  readonly seed?: number;
  /** 31 by default: half an hour of it without what the first and last frame cut off. */
  readonly minutes?: number;
  /** Called some ten times a second with 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
  readonly signal?: AbortSignal;
}

/** An ordinary morning; any fixed time does. */
const originNs = BigInt(Date.UTC(2024, 2, 14, 9)) * 1_000_000n;
const framesBetweenProgress = 500;

/** Writes a tape of a generated market, ten frames a second, with a silence in it. Resolves to its `id@version`. */
export async function writeDemoTape(store: TapeStore, options: DemoTapeOptions = {}): Promise<string> {
  const { id = "demo", symbol = "BTCUSDT", seed = 1, minutes = 31, onProgress, signal } = options;
  const frames: FrameParts[] = [];
  const builder = new FrameBuilder({
    symbol,
    originNs,
    decimals: 3,
    intervalNs: 100e6,
    analytics: new MarketAnalytics(),
    emit: (parts) => frames.push(parts),
  });
  let writer: TapeWriter | undefined;
  const write = async () => {
    for (const frame of frames.splice(0)) {
      writer ??= await TapeWriter.open(store, {
        id,
        symbol,
        source: "DEMO",
        startNs: builder.startNs ?? originNs,
        decimals: 3,
        precision: builder.precision,
        intervalMs: 100,
        analyticsVersion,
      });
      await writer.append(frame);
      if (writer.nextSeq % framesBetweenProgress !== 0) continue;
      onProgress?.(Math.min(1, frame.ns / (minutes * 60e9)));
      // Whoever shows the progress gets a turn.
      await setImmediate();
      signal?.throwIfAborted();
    }
  };
  try {
    for (const step of demoMarket({ seed, minutes, originNs })) {
      if (step.kind === "event") builder.apply(step.event);
      else builder.markGap(step.fromNs, "nobody recorded");
      if (frames.length > 0) await write();
    }
    builder.end();
    await write();
    if (writer === undefined) throw new RangeError(`${minutes} minutes are too short for a frame`);
    const { version } = await writer.finish();
    onProgress?.(1);
    return tapeName(id, version);
  } catch (error) {
    await writer?.abort();
    throw error;
  }
}
