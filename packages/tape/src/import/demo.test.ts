import { checkFrameText } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { MemoryTapeStore } from "../memory-store.js";
import { TapeCatalog } from "../tape-catalog.js";
import { writeDemoTape } from "./demo.js";

async function made(options: Parameters<typeof writeDemoTape>[1]) {
  const store = new MemoryTapeStore();
  const name = await writeDemoTape(store, options);
  const tape = await new TapeCatalog(store, { cacheBytes: 32 << 20 }).open(name);
  const texts: string[] = [];
  for (let seq = 0; seq <= tape.span.lastSeq; seq++) texts.push((await tape.load(seq)).json(seq));
  return { tape, texts };
}

test("[IM22] the demo lasts half an hour at some ten frames a second, with trades and a marked gap, and keeps every rule", async () => {
  const seen: number[] = [];
  const { tape, texts } = await made({ onProgress: (fraction) => seen.push(fraction) });
  const view = tape.view();
  expect(view).toMatchObject({ id: "demo", symbol: "BTCUSDT", source: "DEMO", interval_ms: 100 });
  expect(view.duration_ms).toBeGreaterThanOrEqual(30 * 60_000);
  expect(view.frames / (view.duration_ms / 1000)).toBeGreaterThan(8.5);
  expect(view.trades).toBeGreaterThan(10_000);
  expect(view.gaps).toHaveLength(1);
  expect(seen.at(-1)).toBe(1);
  expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  expect(texts.flatMap((text) => checkFrameText(text))).toEqual([]);
}, 60_000);

test("[IM22] the same seed makes the same market, another one another", async () => {
  const [a, b, c] = [await made({ minutes: 2 }), await made({ minutes: 2 }), await made({ minutes: 2, seed: 2 })];
  expect(a.texts).toEqual(b.texts);
  expect(a.texts).not.toEqual(c.texts);
});

test("[IM20] a demo that is stopped leaves nothing behind", async () => {
  const store = new MemoryTapeStore();
  await expect(writeDemoTape(store, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  expect(await store.ids()).toEqual([]);
});
