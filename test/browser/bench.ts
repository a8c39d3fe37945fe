// What the dashboard costs in a browser: `npx tsx test/browser/bench.ts [seconds]`, 300 unless named.
// Time from navigation to the first drawn frame; then, at 10 and at 60 frames a second with 20 levels a side, animation frames a
// second, share of the main thread, and the heap after a collection, minute by minute.
import { readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { CDPSession, Page } from "playwright-core";
import { Pages } from "../support/browser.js";
import { type Staged, stage } from "./staged.js";

const seconds = Number(process.argv[2] ?? 300);
const staged = await stage(["primary"]);
const pages = await Pages.open();
try {
  reportSizes();
  await reportFirstFrames(staged);
  for (const rate of [10, 60]) await reportPlaying(staged, rate);
} finally {
  await pages.close();
  await staged.stop();
}

function reportSizes(): void {
  const assets = new URL("../../services/dashboard/dist/assets/", import.meta.url);
  for (const name of readdirSync(assets)) {
    const bytes = readFileSync(new URL(name, assets));
    console.log(`${name}: ${kb(bytes.length)} KB, ${kb(gzipSync(bytes).length)} KB gzipped`);
  }
}

async function reportFirstFrames({ cluster, create, control }: Staged): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < 5; n++) {
    const id = await create({ tape: "primary", max_fps: 60 });
    await control(id, "start");
    const { page } = await pages.visit(`${cluster.url}/?session=${id}`, { viewport: { width: 1440, height: 900 } });
    await page.waitForFunction(() => performance.getEntriesByName("tapedeck:first-frame").length > 0);
    times.push(
      await page.evaluate(() => performance.getEntriesByName("tapedeck:first-frame")[0]?.startTime ?? Number.NaN),
    );
    await page.context().close();
  }
  console.log(`navigation to first drawn frame: ${times.map((ms) => Math.round(ms)).join(", ")} ms`);
}

async function reportPlaying({ cluster, create, control }: Staged, rate: number): Promise<void> {
  // Ten recorded frames a second of tape; six seconds a second are sixty, none merged.
  const id = await create({ tape: "primary", speed: rate / 10, loop: true, max_fps: 60 });
  await control(id, "start");
  const { page, troubles } = await pages.visit(`${cluster.url}/?session=${id}`, {
    viewport: { width: 1440, height: 900 },
  });
  await page.waitForFunction(() => performance.getEntriesByName("tapedeck:first-frame").length > 0);
  await sleep(3000);
  const cdp = await page.context().newCDPSession(page);
  // Processor time of the page's thread: on a machine with other work, the time that passes would count that, too.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  console.log(`at ${rate} frames a second, for ${seconds} s (load average ${loadavg()[0]?.toFixed(1)}):`);
  const parts = Math.max(1, Math.round(seconds / 60));
  for (let part = 0; part < parts; part++) console.log(`  ${await measure(page, cdp, seconds / parts)}`);
  if (troubles.length > 0) console.log(`  troubles: ${troubles.join("; ")}`);
  await page.context().close();
}

async function measure(page: Page, cdp: CDPSession, forS: number): Promise<string> {
  // tsx names functions by a helper that a page does not have.
  await page.evaluate("globalThis.__name = (named) => named");
  const before = await metrics(cdp);
  const animation = await page.evaluate(
    (ms) =>
      new Promise<{ frames: number; longest: number; ms: number }>((resolve) => {
        const begun = performance.now();
        let [frames, last, longest] = [0, begun, 0];
        const turn = (now: number) => {
          frames++;
          longest = Math.max(longest, now - last);
          last = now;
          if (now - begun < ms) requestAnimationFrame(turn);
          else resolve({ frames, longest, ms: now - begun });
        };
        requestAnimationFrame(turn);
      }),
    forS * 1000,
  );
  const after = await metrics(cdp);
  await cdp.send("HeapProfiler.collectGarbage");
  const { JSHeapUsedSize: heap = 0, Nodes: nodes } = await metrics(cdp);
  const elapsed = animation.ms / 1000;
  const share = (name: string) => `${Math.round((100 * ((after[name] ?? 0) - (before[name] ?? 0))) / elapsed)} %`;
  return [
    `${((animation.frames * 1000) / animation.ms).toFixed(1)} animation frames a second (longest ${Math.round(animation.longest)} ms)`,
    `main thread ${share("TaskDuration")}, of it scripts ${share("ScriptDuration")}`,
    `heap ${(heap / 1e6).toFixed(1)} MB`,
    `${nodes} nodes`,
  ].join(", ");
}

async function metrics(cdp: CDPSession): Promise<Record<string, number>> {
  const { metrics: list } = await cdp.send("Performance.getMetrics");
  return Object.fromEntries(list.map(({ name, value }) => [name, value]));
}

function kb(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}
