import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { importRecording, MemoryTapeStore, type Tape, TapeCatalog } from "@tapedeck/tape";
import { type Chart, svgOf } from "./chart.js";
import { type Facts, factsOf, lags, type Quantiles, tailAt } from "./facts.js";

// Compares the simulated market with real recordings and writes docs/simulator.md. Run it after a build:
//   node --import tsx test/simulator/report.ts

const root = new URL("../../", import.meta.url);
const recordings = process.env.TAPEDECK_TEST_DATA
  ? new URL(`${process.env.TAPEDECK_TEST_DATA.replace(/\/?$/, "/")}`, "file:///")
  : new URL("../shared/data/", root);

const real = {
  "futures 2023": ["usdm_btcusdt_20230404.dat.gz", "usdm_btcusdt_20230405.dat.gz"],
  "futures 2024": ["usdm_btcusdt_20240718.gz"],
  "spot 2024": ["spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"],
};
const colours = ["#1f6feb", "#b0413e", "#7d8590", "#2a9d5c"];
const simulatedName = "sim2.BTCUSDT.1.calm";
const simulatedSeconds = 3_600;
/** Held to a factor of 2 of this one, which the flow's parameters were calibrated to. */
const reference = "futures 2023";

const catalog = new TapeCatalog(new MemoryTapeStore(), { cacheBytes: 64 << 20 });

async function recorded(files: readonly string[]): Promise<Tape> {
  const store = new MemoryTapeStore();
  const paths = files.map((file) => fileURLToPath(new URL(`binance-raw/${file}`, recordings)));
  const { tapes } = await importRecording(paths, {}, { store });
  return new TapeCatalog(store, { cacheBytes: 64 << 20 }).open(tapes[0]?.tape ?? "");
}

async function gather(): Promise<Map<string, Facts>> {
  const facts = new Map<string, Facts>();
  const simulated = await catalog.open(simulatedName);
  facts.set("simulated", await factsOf(simulated, 0, simulatedSeconds * 10 - 1));
  for (const [name, files] of Object.entries(real)) {
    const tape = await recorded(files);
    facts.set(name, await factsOf(tape, 0, tape.span.lastSeq));
  }
  return facts;
}

interface Row {
  readonly what: string;
  readonly of: (facts: Facts) => number;
  /** The issue holds this one to a factor of 2. */
  readonly held?: boolean;
}

const middle = ([, , median]: Quantiles) => median;
const rows: readonly Row[] = [
  { what: "spread, median", of: ({ spread }) => middle(spread), held: true },
  { what: "spread, 99 %", of: ({ spread }) => spread[5] },
  { what: "best five bids, median size", of: ({ depth5 }) => middle(depth5), held: true },
  { what: "best five bids, 5 %", of: ({ depth5 }) => depth5[0] },
  { what: "best five bids, 95 %", of: ({ depth5 }) => depth5[4] },
  { what: "best bid, median size", of: ({ bestSize }) => middle(bestSize) },
  { what: "book updates a second", of: ({ updatesPerSecond }) => updatesPerSecond },
  { what: "trades a second", of: ({ tradesPerSecond }) => tradesPerSecond, held: true },
  { what: "trade size, median", of: ({ tradeSize }) => middle(tradeSize), held: true },
  { what: "trade size, mean", of: ({ meanTradeSize }) => meanTradeSize },
  { what: "trade size, 99 %", of: ({ tradeSize }) => tradeSize[5] },
  { what: "trades in the same moment as the one before", of: ({ sameMoment }) => sameMoment },
  { what: "ms between moments with trades, median", of: ({ interArrival }) => middle(interArrival) },
  { what: "ms between moments with trades, 95 %", of: ({ interArrival }) => interArrival[4] },
  { what: "their standard deviation by their mean", of: ({ burstiness }) => burstiness },
  { what: "volatility of a second, basis points", of: ({ volatilityBp }) => volatilityBp },
  { what: "seconds in which the mid does not move", of: ({ still }) => still },
  { what: "kurtosis of returns over a second", of: ({ kurtosis }) => kurtosis },
  { what: "returns beyond 4 standard deviations", of: ({ tails }) => tails[3] ?? 0 },
  { what: "autocorrelation of absolute returns, 1 s", of: ({ memory }) => memory[0] ?? 0, held: true },
  { what: "the same, 2 s", of: ({ memory }) => memory[1] ?? 0 },
  { what: "the same, 5 s", of: ({ memory }) => memory[4] ?? 0 },
  { what: "autocorrelation of returns, 1 s", of: ({ drift }) => drift[0] ?? 0 },
];

function table(facts: ReadonlyMap<string, Facts>): string {
  const names = [...facts.keys()];
  const [simulated, compared] = [facts.get("simulated"), facts.get(reference)];
  if (simulated === undefined || compared === undefined) throw new Error("nothing to compare");
  const lines = rows.map(({ what, of, held }) => {
    const ratio = of(simulated) / of(compared);
    const within = ratio >= 0.5 && ratio <= 2;
    const verdict = held ? `${ratio.toFixed(2)}, ${within ? "held" : "**not held**"}` : ratio.toFixed(2);
    return `| ${what} | ${[...facts.values()].map((one) => short(of(one))).join(" | ")} | ${verdict} |`;
  });
  return [
    `| | ${names.join(" | ")} | of ${reference} |`,
    `| --- |${names.map(() => " ---: |").join("")} --- |`,
    ...lines,
  ].join("\n");
}

function short(value: number): string {
  return Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(3))}`;
}

function charts(facts: ReadonlyMap<string, Facts>): Record<string, Chart> {
  const series = (points: (one: Facts) => readonly (readonly [number, number])[]) =>
    [...facts].map(([name, one], at) => ({ name, colour: colours[at] ?? "black", points: points(one) }));
  const shares = [0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
  const curve = (values: Quantiles) => values.map((value, at) => [value, shares[at] ?? 0] as const);
  return {
    memory: {
      title: "Autocorrelation of absolute returns over a second",
      x: "lag, seconds",
      series: series(({ memory }) => memory.map((value, at) => [at + 1, value])),
    },
    tails: {
      title: "Share of returns beyond so many standard deviations",
      x: "standard deviations",
      logarithmic: { y: true },
      series: series(({ tails }) => tails.map((value, at) => [tailAt[at] ?? 0, value])),
    },
    depth: {
      title: "Share of frames whose best five bids hold less",
      x: "BTC",
      logarithmic: { x: true },
      series: series(({ depth5 }) => curve(depth5)),
    },
    sizes: {
      title: "Share of trades that are smaller",
      x: "BTC",
      logarithmic: { x: true },
      series: series(({ tradeSize }) => curve(tradeSize)),
    },
    arrivals: {
      title: "Share of moments with trades that follow sooner",
      x: "milliseconds",
      logarithmic: { x: true },
      series: series(({ interArrival }) => curve(interArrival)),
    },
  };
}

/** Milliseconds of seeks a day ahead, each in a market of its own, in threads that are warm. */
async function seeks(): Promise<number[]> {
  await catalog.warmUp();
  const times: number[] = [];
  for (let seed = 100; seed < 120; seed++) {
    const began = performance.now();
    const tape = await catalog.open(`sim2.BTCUSDT.${seed}.mixed`);
    await tape.load(await tape.seqAt(86_400e9 + seed * 1.7e9));
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b);
}

async function main(): Promise<void> {
  if (!existsSync(recordings)) throw new Error(`no recordings in ${fileURLToPath(recordings)}`);
  const times = await seeks();
  const facts = await gather();
  const figures = charts(facts);
  const folder = new URL("docs/figures/simulator/", root);
  await mkdir(folder, { recursive: true });
  for (const [name, chart] of Object.entries(figures)) await writeFile(new URL(`${name}.svg`, folder), svgOf(chart));
  const images = Object.entries(figures).map(([name, { title }]) => `![${title}](figures/simulator/${name}.svg)`);
  const measured = [
    `Measured on ${simulatedSeconds / 60} minutes of \`${simulatedName}\` and on the recordings as a whole (\`test/simulator/report.ts\`; lags`,
    `up to ${lags} s). A seek 24 h ahead in a market that was not played before, opening included, in threads that had made a`,
    `segment before: median ${Math.round(times[10] ?? 0)} ms, slowest of 20 ${Math.round(times.at(-1) ?? 0)} ms, on two shared cores.`,
  ].join("\n");
  const page = new URL("docs/simulator.md", root);
  const before = await readFile(page, "utf8");
  const marks = ["<!-- measured -->", "<!-- end of measured -->"] as const;
  const [head = "", rest = ""] = before.split(marks[0]);
  const [, tail = ""] = rest.split(marks[1]);
  const body = ["", measured, "", table(facts), "", ...images, ""].join("\n");
  await writeFile(page, `${head}${marks[0]}\n${body}\n${marks[1]}${tail}`);
  process.stdout.write(`${measured}\n\n${table(facts)}\n`);
}

await main();
