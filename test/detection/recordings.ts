import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { importRecording, MemoryTapeStore, TapeCatalog } from "@tapedeck/tape";
import { readAlerts, type TapeAlert } from "./play-scenario.js";

const dataFolder = process.env.TAPEDECK_TEST_DATA ?? fileURLToPath(new URL("../../../shared/data/", import.meta.url));

const recordings: readonly (readonly string[])[] = [
  ["binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz"],
  ["binance-raw/spot_btcusdt_20240808.gz", "binance-raw/spot_btcusdt_20240809.gz"],
  ["binance-raw/spot_ethusdt_20240808.gz", "binance-raw/spot_ethusdt_20240809.gz"],
  ["binance-raw/usdm_btcusdt_20240718.gz"],
  ["binance-raw/spot_btcusdt_20230405.dat.gz"],
  ["binance-archiver-csv"],
  ["lob-250ms"],
  ["lobster"],
  ["cryptofeed-raw/COINBASE.ws.28.0"],
  ["cryptofeed-raw/BITMEX.ws.1.0"],
  ["hyperliquid/btcusd_20250126.gz"],
];

export interface Recorded {
  readonly tape: string;
  readonly seconds: number;
  readonly alerts: readonly TapeAlert[];
}

/** The alerts of each real recording; marked gaps don't count as time. */
export async function* recorded(): AsyncGenerator<Recorded> {
  if (!existsSync(dataFolder)) return;
  for (const files of recordings) {
    const store = new MemoryTapeStore();
    const paths = files.map((file) => join(dataFolder, file));
    const report = await importRecording(paths, {}, { store });
    for (const { tape: name, durationMs, gaps } of report.tapes) {
      if (name === undefined) continue;
      const tape = await new TapeCatalog(store, { cacheBytes: 16 << 20 }).open(name);
      const alerts: TapeAlert[] = [];
      for (let seq = 0; seq <= tape.span.lastSeq; seq++) {
        const block = tape.block(seq) ?? (await tape.load(seq));
        alerts.push(...readAlerts(block.nsOf(seq), block.anomalies(seq)));
      }
      const silentMs = gaps.reduce((sum, gap) => sum + gap.ms, 0);
      yield { tape: name, seconds: (durationMs - silentMs) / 1000, alerts };
    }
  }
}
