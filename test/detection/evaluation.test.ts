import { anomaly } from "@tapedeck/protocol";
import { MemoryTapeStore, TapeCatalog } from "@tapedeck/tape";
import { describe, expect } from "vitest";
import { z } from "zod";
import { test } from "../support/cluster.js";
import { play, readAlerts, type TapeAlert } from "./play-scenario.js";
import { scoreOf } from "./score.js";

const seed = 3;
const scenario = "mixed";
/** Three incidents, and segment borders at which a tape's analytics restart. */
const minutes = 6;
const frames = minutes * 600;

describe("[AN15] the evaluation scores the alerts of simulated tapes", () => {
  test("a simulated tape has the alerts of the evaluation and the same score", async () => {
    const catalog = new TapeCatalog(new MemoryTapeStore(), { cacheBytes: 32 << 20 });
    const tape = await catalog.open(`sim2.BTCUSDT.${seed}.${scenario}`);
    const alerts: TapeAlert[] = [];
    for (let seq = 0; seq < frames; seq++) {
      const block = tape.block(seq) ?? (await tape.load(seq));
      alerts.push(...readAlerts(block.nsOf(seq), block.anomalies(seq)));
    }
    const evaluated = play(seed, scenario, minutes);
    expect(alerts.length).toBeGreaterThan(5);
    expect(alerts).toEqual(evaluated.alerts);
    expect(scoreOf([{ seed, ...evaluated, alerts }])).toEqual(scoreOf([{ seed, ...evaluated }]));
  });

  test("a session's route returns them too", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ mode: "SIMULATION", seed, scenario });
    await cluster.http.control(id, "pause");
    const returned: z.infer<typeof anomaly>[] = [];
    for (let seq = 99; seq < frames; seq += 100) {
      await cluster.http.control(id, "seek", { seq });
      // The alerts of the hundred frames up to the playhead.
      const { body } = await cluster.http.get(`/anomalies?session_id=${id}`);
      returned.push(...z.array(anomaly).parse(body));
    }
    const expected = play(seed, scenario, minutes).alerts;
    expect(returned.map(({ type, severity }) => ({ type, severity }))).toEqual(
      expected.map(({ type, severity }) => ({ type, severity })),
    );
    await cluster.end({ id, viewers: [] });
  });
});
