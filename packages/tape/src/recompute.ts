import { setImmediate } from "node:timers/promises";
import { analyticsVersion, type FrameParts, firstAnalyticsField, MarketAnalytics } from "@tapedeck/market";
import { frame as frameSchema, type Level } from "@tapedeck/protocol";
import { TapeNotFound } from "./errors.js";
import { files, type Manifest } from "./format/manifest.js";
import { TapeWriter } from "./format/tape-writer.js";
import { BlockCache } from "./reading/block-cache.js";
import { RecordedTape } from "./reading/recorded-tape.js";
import type { TapeStore } from "./store/store.js";
import type { Block, Gap, Seq } from "./tape.js";
import { parseTapeName, tapeName } from "./tape-id.js";
import { storedTrackFiles } from "./track/track.js";

interface RecomputeOptions {
  readonly onProgress?: (fraction: number) => void;
  readonly signal?: AbortSignal;
}

const cacheBytes = 8 << 20;
const copiedAtOnce = 4 << 20;

/**
 * Makes a new version of a tape with today's analytics, of its frames alone: books and trades stay as they are, byte for byte.
 * Resolves to its `id@version`. The version before stays. Rejects with `TapeNotFound`, `DamagedTape`, `DamagedBlock` or
 * `TapeWriteError`, and then nothing was written.
 */
export async function recompute(store: TapeStore, name: string, options: RecomputeOptions = {}): Promise<string> {
  const { id, version = await store.current(id) } = parseTapeName(name);
  if (version === undefined) throw new TapeNotFound(name);
  const tape = await RecordedTape.open(store, id, version, new BlockCache(cacheBytes));
  const writer = await TapeWriter.open(store, {
    id,
    symbol: tape.symbol,
    source: tape.source,
    startNs: tape.startNs,
    decimals: tape.decimals,
    precision: tape.precision,
    intervalMs: tape.manifest.interval_ms,
    analyticsVersion,
    firstSeq: tape.span.firstSeq,
  });
  try {
    const analytics = new MarketAnalytics();
    const gaps = new Map(tape.gaps.map((gap) => [gap.afterSeq + 1, gap]));
    for (let number = 0; number < tape.index.blocks; number++) {
      const block = await tape.load(tape.index.firstSeq(number));
      for (let seq = block.firstSeq; seq <= block.lastSeq; seq++) {
        await writer.append(withAnalytics(block, seq, gaps.get(seq), analytics));
      }
      options.onProgress?.((number + 1) / tape.index.blocks);
      await setImmediate(); // lets the caller show the progress
      options.signal?.throwIfAborted();
    }
    await copyTrack(store, tape.manifest, writer, options.signal);
    const { version: made } = await writer.finish(tape.manifest.track);
    return tapeName(id, made);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** The frames have the same seqs, so the event track stays as it is. */
async function copyTrack(
  store: TapeStore,
  { id, version, files: written }: Manifest,
  writer: TapeWriter,
  signal?: AbortSignal,
): Promise<void> {
  for (const file of storedTrackFiles) {
    const length = written[file]?.bytes ?? 0;
    for (let at = 0; at < length; at += copiedAtOnce) {
      signal?.throwIfAborted();
      await writer.appendTrack(
        file,
        await store.readRange(id, version, files[file], at, Math.min(copiedAtOnce, length - at)),
      );
    }
  }
}

function withAnalytics(block: Block, seq: Seq, gap: Gap | undefined, analytics: MarketAnalytics): FrameParts {
  const ns = block.nsOf(seq);
  const frame = frameSchema.parse(JSON.parse(block.json(seq)));
  const findings = analytics.analyse({
    ns,
    timestamp: frame.timestamp,
    bids: realLevels(frame.bids),
    asks: realLevels(frame.asks),
    mid: frame.mid_price,
    microprice: frame.microprice,
    updates: frame.updates,
    trades: frame.trades,
    afterGap: gap !== undefined,
  });
  return {
    ns,
    head: `${plainHead(block.head(seq))},${findings.head}`,
    trades: block.trades(seq),
    tradeCount: block.tradeCountOf(seq),
    tradeVolume: block.tradeVolumeOf(seq),
    lastTradePrice: block.lastTradePriceOf(seq),
    lastTradeSide: block.lastTradeSideOf(seq),
    effectiveSpread: block.effectiveSpreadOf(seq),
    anomalies: findings.anomalies,
    events: findings.events,
    price: frame.mid_price,
    gapBefore: gap === undefined ? null : { fromNs: gap.fromNs, reason: gap.reason },
  };
}

/** Size 0 means that there is no such level. */
function realLevels(levels: readonly Level[]): readonly Level[] {
  return levels.filter(([, size]) => size > 0);
}

/** What a frame's head says without analytics, which come last in it; without type and seq, which the writer gives. */
function plainHead(head: string): string {
  const end = head.indexOf(firstAnalyticsField);
  return head.slice(head.indexOf('"timestamp":'), end === -1 ? undefined : end);
}
