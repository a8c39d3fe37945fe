import { type BookLevel, type IncidentLabel, incidentKinds, OrderBook } from "@tapedeck/market";
import { checkFrameText, type Frame, frame } from "@tapedeck/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { MemoryTapeStore } from "../store/memory-store.js";
import { TapeCatalog } from "../tape-catalog.js";
import { trackOf } from "../track/track-of.js";
import { demoLabels, writeDemoTape } from "./demo.js";

async function made(options: Parameters<typeof writeDemoTape>[1]) {
  const store = new MemoryTapeStore();
  const name = await writeDemoTape(store, options);
  const tape = await new TapeCatalog(store, { cacheBytes: 32 << 20 }).open(name);
  const texts: string[] = [];
  for (let seq = 0; seq <= tape.span.lastSeq; seq++) texts.push((await tape.load(seq)).json(seq));
  return { tape, texts };
}

/** Tape time at which the plan ends and the scenario continues. */
const planned = 450e9;

/** The alert that should detect each kind of incident. */
const alerts: Partial<Record<IncidentLabel["kind"], string>> = {
  spoofing: "SPOOFING",
  layering: "LAYERING",
  quote_stuffing: "QUOTE_STUFFING",
  momentum_ignition: "MOMENTUM_IGNITION",
  wash_trading: "WASH_TRADING",
  iceberg: "ICEBERG_ORDER",
  liquidity_gap: "LIQUIDITY_GAP",
  flash_crash: "REGIME_CRISIS",
};
/** Other alerts that an incident rightly causes. */
const brings: Partial<Record<IncidentLabel["kind"], readonly string[]>> = {
  flash_crash: ["LIQUIDITY_GAP", "MOMENTUM_IGNITION"],
  momentum_ignition: ["REGIME_CRISIS", "LIQUIDITY_GAP"],
  news: ["REGIME_CRISIS"],
  // The price moves away from it and leaves empty levels behind.
  large_order: ["LIQUIDITY_GAP"],
};
/** Alerts that occur without an incident. */
const byItself = ["UNUSUAL_TRADE_SIZE", "RAPID_TRADING", "DEPTH_SHOCK", "HEAVY_IMBALANCE", "REGIME_STRESS"];

function during({ fromNs, toNs }: IncidentLabel, second: number): boolean {
  return second * 1e9 >= fromNs && second * 1e9 <= toNs + 10e9;
}

interface RaisedAlert {
  readonly second: number;
  readonly type: string;
}

describe("the demo tape of an empty store", () => {
  const progress: number[] = [];
  let demo: Awaited<ReturnType<typeof made>>;
  const raised: RaisedAlert[] = [];
  beforeAll(async () => {
    demo = await made({ onProgress: (fraction) => progress.push(fraction) });
    for (const [seq, text] of demo.texts.entries()) {
      if (text.includes('"anomalies":[]')) continue;
      const second = (await demo.tape.nsOf(seq)) / 1e9;
      for (const { type } of frame.parse(JSON.parse(text)).anomalies) raised.push({ second, type });
    }
  }, 120_000);

  test("[IM22] lasts half an hour at about ten frames a second, has trades and a marked gap, and keeps every rule", () => {
    const { tape, texts } = demo;
    const view = tape.view();
    expect(view).toMatchObject({ id: "demo", symbol: "BTCUSDT", source: "DEMO", interval_ms: 100 });
    expect(view.duration_ms).toBeGreaterThanOrEqual(30 * 60_000);
    expect(view.frames / (view.duration_ms / 1000)).toBeGreaterThan(8.5);
    expect(view.trades).toBeGreaterThan(10_000);
    expect(view.gaps).toMatchObject([{ reason: "nobody recorded" }]);
    expect(progress.at(-1)).toBe(1);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
    expect(texts.flatMap((text) => checkFrameText(text))).toEqual([]);
  }, 60_000);

  test("[ET40] has an event track: the book rebuilt from it is that of each frame, and its trades are those of the frames", async () => {
    const { tape, texts } = demo;
    const book = new OrderBook();
    let trades = 0;
    let compared = 0;
    const wrong: number[] = [];
    const compareTo = (seq: number) => {
      for (; compared < seq; compared++) {
        const { bids, asks }: Pick<Frame, "bids" | "asks"> = JSON.parse(texts[compared] ?? "");
        const there = ([, size]: BookLevel) => size > 0;
        const shown = JSON.stringify([bids.filter(there), asks.filter(there)]);
        if (JSON.stringify([book.bids.top(20), book.asks.top(20)]) !== shown) wrong.push(compared);
      }
    };
    for await (const event of trackOf(tape).events()) {
      compareTo(event.seq);
      if (event.kind === "trade") trades += event.state === "applied" ? 1 : 0;
      else {
        if (event.isSnapshot) book.clear();
        for (const { side, price, amount } of event.levels) book.set(side, Number(price), Number(amount));
      }
    }
    compareTo(texts.length);
    expect(wrong).toEqual([]);
    expect(trades).toBe(tape.view().trades);
    expect(book.bids.depth).toBeGreaterThan(20); // more than frames show
    const { knownLow, knownHigh, limitsKnown } = await trackOf(tape).bookAt({ seq: 1_000 });
    expect({ knownLow, knownHigh, limitsKnown }).toEqual({ limitsKnown: true }); // all levels
  }, 60_000);

  const staged = demoLabels();
  const plan = staged.filter(({ fromNs }) => fromNs < planned);

  test("[IM24] stages every kind of incident once within seven and a half minutes, one at a time", () => {
    expect(plan.map(({ kind }) => kind).sort()).toEqual([...incidentKinds].sort());
    for (const [at, { fromNs, toNs }] of plan.entries()) {
      expect(toNs).toBeGreaterThan(fromNs);
      expect((plan[at + 1]?.fromNs ?? planned) - toNs).toBeGreaterThan(2e9);
    }
  });

  test.each(
    staged.filter(({ benign }) => !benign).map((label) => [label.kind, Math.round(label.fromNs / 1e9), label] as const),
  )("[IM24] the %s staged at %d s raises its alert while it lasts or within 10 s", (kind, _, label) => {
    expect(raised.some(({ second, type }) => type === alerts[kind] && during(label, second))).toBe(true);
  });

  test("[IM24] raises every alert and reaches every regime within eight minutes", () => {
    const early = new Set(raised.filter(({ second }) => second < 480).map(({ type }) => type));
    expect([...early].sort()).toEqual([...new Set([...Object.values(alerts), ...byItself])].sort());
    const labels = demo.texts.slice(0, 4_800).map((text) => /"regime_label":"([^"]+)"/.exec(text)?.[1]);
    expect(new Set(labels)).toEqual(new Set(["Calm", "Stressed", "Execution Hot", "Manipulation Suspected"]));
    expect(demo.texts.slice(0, 4_800).some((text) => text.includes('"realized_spread":-'))).toBe(true);
  });

  test("[IM24] has no false alert of a staged kind, and no alert most of the time", () => {
    const stageable = new Set(Object.values(alerts));
    const wrong = raised.filter(
      ({ second, type }) =>
        stageable.has(type) &&
        !staged.some(
          (label) => during(label, second) && (alerts[label.kind] === type || brings[label.kind]?.includes(type)),
        ),
    );
    expect(wrong).toEqual([]);
    const tenSeconds = new Set(raised.map(({ second }) => Math.floor(second / 10)));
    expect(tenSeconds.size / (31 * 6)).toBeLessThan(0.3);
  });
});

test("[IM22] the same seed makes the same market, and another seed another", async () => {
  const [a, b, c] = [await made({ minutes: 2 }), await made({ minutes: 2 }), await made({ minutes: 2, seed: 2 })];
  expect(a.texts).toEqual(b.texts);
  expect(a.texts).not.toEqual(c.texts);
});

test("[IM20] an aborted demo leaves nothing behind", async () => {
  const store = new MemoryTapeStore();
  await expect(writeDemoTape(store, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  expect(await store.ids()).toEqual([]);
});
