import type { Command, Mode } from "@tapedeck/protocol";
// biome-ignore lint/correctness/noUndeclaredDependencies: the workspace has it, for tests
import fc from "fast-check";
import type { SystemCommand } from "../rules/commands.js";
import { noon } from "./apply-command.js";

export const anySpeed = fc.oneof(fc.constantFrom(0.1, 1, 2.5, 1000), fc.double({ min: 0.1, max: 1000, noNaN: true }));
const node = fc.constantFrom("ticker-1", "ticker-2");

/** Commands of all kinds. `fromMs` and `toMs` since 1970 bound the times that they name, `frames` the frames. */
export function commandsOf({
  fromMs,
  toMs,
  frames,
}: {
  fromMs: number;
  toMs: number;
  frames: number;
}): fc.Arbitrary<Command | SystemCommand> {
  const time = fc.integer({ min: fromMs, max: toMs });
  return fc.oneof(
    {
      arbitrary: fc.constantFrom<Command>(...(["start", "pause", "resume", "stop", "live"] as const).map(named)),
      weight: 4,
    },
    anySpeed.map((value): Command => ({ type: "speed", value })),
    fc.double({ min: 0.001, max: 30, noNaN: true }).map((seconds): Command => ({ type: "goback", seconds })),
    fc
      .oneof(
        fc.nat(frames + 10).map((seq) => ({ seq })),
        time.map((ts) => ({ ts })),
        fc.double({ min: 0, max: 1, noNaN: true }).map((fraction) => ({ fraction })),
        fc.constantFrom("next", "previous").map((event) => ({ event })),
      )
      .map((to): Command => ({ type: "seek", to })),
    fc
      .oneof(
        fc.integer({ min: -20, max: 20 }).map((frames) => ({ frames })),
        fc.integer({ min: -2000, max: 2000 }).map((ms) => ({ ms })),
      )
      .map((by): Command => ({ type: "step", by })),
    fc
      .record({ from: fc.option(time), to: fc.option(time), loop: fc.boolean() }, { requiredKeys: [] })
      .map((range): Command => ({ type: "range", ...range })),
    fc
      .constantFrom<Mode>("REPLAY", "REPLAY", "LIVE", "SIMULATION")
      .map((mode): Command => ({ type: "mode", mode, ...(mode === "SIMULATION" ? { seed: 1 } : {}) })),
    fc
      .record({ side: fc.constantFrom("BUY", "SELL"), quantity: fc.integer({ min: 1, max: 9 }) })
      .map((order): Command => ({ type: "order", ...order })),
    fc.constantFrom<SystemCommand>({ type: "end" }, { type: "wrap" }, { type: "unpark" }, { type: "tune" }),
    node.map((name): SystemCommand => ({ type: "claim", node: name })),
    node.map((name): SystemCommand => ({ type: "park", node: name })),
    node.map((name): SystemCommand => ({ type: "skip", node: name })),
    fc
      .record({ node, epoch: fc.integer({ min: noon, max: noon + 50 }), publishedSeq: fc.nat(frames) })
      .map((held): SystemCommand => ({ type: "release", ...held })),
    fc.record({ node, seq: fc.nat(frames) }).map((held): SystemCommand => ({ type: "reach", ...held })),
    fc
      .record({ node, at: fc.record({ seq: fc.nat(frames), ns: fc.nat(2e10) }) })
      .map((held): SystemCommand => ({ type: "failover", ...held })),
    fc
      .record({ epoch: fc.integer({ min: noon, max: noon + 50 }), seq: fc.nat(frames) })
      .map((seen): SystemCommand => ({ type: "shown", ...seen })),
    fc
      .record({ epoch: fc.integer({ min: noon, max: noon + 50 }), rev: fc.nat(5) })
      .map((seen): SystemCommand => ({ type: "recover", ...seen })),
  );
}

function named(type: "start" | "pause" | "resume" | "stop" | "live"): Command {
  return { type };
}
