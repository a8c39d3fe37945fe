// Measures the cost of the dashboard in a browser: `npx tsx test/browser/bench.ts [seconds] [memory]`, 300 by default.
// Time from navigation to the first drawn frame; then, at 10 and at 60 frames per second of a recording with 20 levels a side,
// animation frames per second, processor time by thread, and the heap after a collection every 30 s. `memory`: only the heap,
// with a simulated market, after all bounded logs are full; the loop of a recording would empty them.
import { readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { CDPSession, Page } from "playwright-core";
import { Pages } from "../support/browser.js";
import { type Staged, stage } from "./staged.js";
import { perSecond, Threads } from "./threads.js";

const seconds = Number(process.argv[2] ?? 300);
const partS = 30;
/** Frames that fill every log of the page: the longest has 4,096 and a quarter. */
const fillFrames = 5200;

const staged = await stage(["primary"]);
const pages = await Pages.open();
try {
  if (process.argv[3] === "memory") {
    await reportPlaying(staged, { mode: "SIMULATION", seed: "1", scenario: "mixed" }, 10, fillFrames);
  } else {
    reportSizes();
    await reportFirstFrames(staged);
    for (const rate of [10, 60]) await reportPlaying(staged, { tape: "primary", loop: true }, rate, 200);
  }
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
  for (let n = 0; n < 8; n++) {
    const id = await create({ tape: "primary", max_fps: 60 });
    await control(id, "start");
    const { page } = await pages.visit(`${cluster.url}/?session=${id}`, { viewport: { width: 1440, height: 900 } });
    times.push(await firstFrame(page));
    await page.context().close();
  }
  console.log(`navigation to first drawn frame: ${times.map((ms) => Math.round(ms)).join(", ")} ms (load ${load()})`);
}

async function firstFrame(page: Page): Promise<number> {
  await page.waitForFunction(() => performance.getEntriesByName("tapedeck:first-frame").length > 0);
  return page.evaluate(() => performance.getEntriesByName("tapedeck:first-frame")[0]?.startTime ?? Number.NaN);
}

/** Plays a market at `rate` frames per second, after `fill` frames that are not measured. */
async function reportPlaying(
  { cluster, create, control }: Staged,
  market: Record<string, unknown>,
  rate: number,
  fill: number,
): Promise<void> {
  const id = await create({ ...market, speed: 6, max_fps: 60 });
  await control(id, "start");
  const { page, errors } = await pages.visit(`${cluster.url}/?session=${id}`, {
    viewport: { width: 1440, height: 900 },
  });
  await firstFrame(page);
  await sleep((fill / 60) * 1000);
  // The tape has ten frames per second, so speed 6 gives sixty, none merged.
  await control(id, `speed/${rate / 10}`);
  await sleep(2000);
  const cdp = await page.context().newCDPSession(page);
  const browser = await page.context().browser()?.newBrowserCDPSession();
  if (!browser) throw new Error("the page has no browser");
  // Processor time of the page's thread, because wall time would include other work on the machine.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  const threads = await Threads.of(cdp, browser);
  console.log(`at ${rate} frames per second, for ${seconds} s (load ${load()}):`);
  const parts = Math.max(1, Math.round(seconds / partS));
  for (let part = 0; part < parts; part++) {
    console.log(`  ${await measure(page, cdp, threads, seconds / parts)} (load ${load()})`);
  }
  if (errors.length > 0) console.log(`  errors: ${errors.join("; ")}`);
  await page.context().close();
}

async function measure(page: Page, cdp: CDPSession, threads: Threads, forS: number): Promise<string> {
  // tsx compiles calls to a helper that the page does not have.
  await page.evaluate("globalThis.__name = (named) => named");
  const before = await threads.spent();
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
  const cost = perSecond(before, await threads.spent(), animation.ms / 1000);
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  const { nodes } = await cdp.send("Memory.getDOMCounters");
  const ms = (name: keyof typeof cost) => cost[name].toFixed(0);
  return [
    `${((animation.frames * 1000) / animation.ms).toFixed(1)} animation frames per second (longest ${Math.round(animation.longest)} ms)`,
    `main thread ${ms("main")} ms per second: scripts ${ms("script")}, layout ${ms("layout")}, style ${ms("style")}`,
    `other threads: raster ${ms("raster")}, compositing ${ms("compositing")}, rest ${ms("rest")}`,
    `heap ${(usedSize / 1e6).toFixed(1)} MB`,
    `${nodes} nodes`,
  ].join("; ");
}

function load(): string | undefined {
  return loadavg()[0]?.toFixed(1);
}

function kb(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}
