import type { View } from "../oracle/history.js";
import type { Random } from "./random.js";

/** What a session plays, and what its users do. */
export interface Character {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Sockets on it, each on some gateway. */
  readonly viewers: number;
  /** The next command of one of its users; undefined for sessions that are only watched. */
  readonly next: ((random: Random, view: View) => Command) | undefined;
  /** Nothing happens to it but the faults: such sessions are the crowd of a large run. */
  readonly steady?: boolean;
}

export interface Command {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

const recordings = ["primary", "slow"] as const;
const caps = [0, 0, 30, 5] as const;
const markets = ["BTCUSDT", "ETHUSDT"] as const;
const simulatedSeeds = [1, 2, 3] as const;

/** Every kind of session, one after the other; half of them are only watched, so that their stillness is the cluster's alone. */
export function characterOf(nth: number, random: Random): Character {
  const viewers = 1 + random.below(3);
  const maxFps = random.pick(caps);
  const replay = { tape: random.pick(recordings), max_fps: maxFps, speed: random.pick([0.5, 1, 2]) };
  const live = { mode: "LIVE", source: "SIM", symbol: random.pick(markets), max_fps: maxFps };
  const simulation = {
    mode: "SIMULATION",
    seed: random.pick(simulatedSeeds),
    max_fps: maxFps,
    speed: random.pick([1, 2]),
  };
  const choices: readonly Character[] = [
    { name: "replay watched", body: replay, viewers, next: undefined },
    { name: "replay shared", body: replay, viewers: 2 + random.below(2), next: replayCommand },
    { name: "live watched", body: live, viewers, next: undefined },
    { name: "simulation with orders", body: simulation, viewers: 2, next: simulationCommand },
    { name: "replay watched", body: replay, viewers, next: undefined },
    { name: "live used", body: live, viewers, next: liveCommand },
    { name: "simulation watched", body: simulation, viewers, next: undefined },
    { name: "loop", body: replay, viewers: 2, next: loopCommand },
    { name: "replay watched", body: { ...replay, max_fps: 0 }, viewers: 2, next: undefined },
    { name: "all modes", body: replay, viewers: 2, next: modeCommand },
  ];
  const character = choices[nth % choices.length];
  if (character === undefined) throw new Error("there are no characters");
  return character;
}

/** Four frames a second for one viewer. */
export const steadyCharacter: Character = {
  name: "steady",
  body: { tape: "slow", max_fps: 0, speed: 1 },
  viewers: 1,
  next: undefined,
  steady: true,
};

const plain = (name: string): Command => ({ name, args: {} });

function jump(random: Random, view: View): Command {
  const seq = Math.max(0, (view.cursorSeq ?? 0) + random.below(600) - 300);
  if (random.chance(0.5)) return { name: "seek", args: { seq } };
  if (random.chance(0.4) && view.cursorTs !== null)
    return { name: "seek", args: { ts: shifted(view.cursorTs, random.between(-20, 20)) } };
  return { name: "goback", args: { seconds: Math.round(random.between(1, 15) * 10) / 10 } };
}

function shifted(iso: string, seconds: number): string {
  return new Date(Date.parse(iso) + Math.round(seconds * 1000)).toISOString();
}

function step(random: Random): Command {
  return { name: "step", args: { frames: random.chance(0.6) ? 1 + random.below(5) : -1 - random.below(5) } };
}

/** Playing is the most common, so that there is something to see. */
function replayCommand(random: Random, view: View): Command {
  const dice = random.below(12);
  if (view.state !== "PLAYING" && dice < 6) return plain(random.pick(["start", "resume"]));
  if (dice < 2) return plain("pause");
  if (dice < 4) return step(random);
  if (dice < 5) return plain("stop");
  if (dice < 7) return { name: "speed", args: { value: random.pick([0.5, 1, 2, 5, 20]) } };
  if (dice < 8) return { name: "seek", args: { fraction: Math.round(random.next() * 80) / 100 } };
  return jump(random, view);
}

function loopCommand(random: Random, view: View): Command {
  if (view.state !== "PLAYING") return plain("start");
  if (!view.loop && view.cursorTs !== null) {
    const [from, to] = [shifted(view.cursorTs, -random.between(0, 3)), shifted(view.cursorTs, random.between(3, 8))];
    return { name: "range", args: { from, to, loop: true } };
  }
  if (random.chance(0.2)) return { name: "range", args: { from: null, to: null, loop: false } };
  if (random.chance(0.4))
    return { name: "seek", args: { seq: Math.max(0, (view.cursorSeq ?? 0) + random.below(40) - 20) } };
  return random.chance(0.5) ? plain("pause") : { name: "speed", args: { value: random.pick([1, 2]) } };
}

function liveCommand(random: Random, view: View): Command {
  if (view.state !== "PLAYING") return plain(random.pick(["resume", "start", "live"]));
  const dice = random.below(8);
  if (dice < 2) return plain("pause");
  if (dice < 4) return { name: "goback", args: { seconds: 2 + random.below(10) } };
  if (dice < 5) return step(random);
  if (dice < 6) return { name: "speed", args: { value: random.pick([0.5, 1, 2]) } };
  return plain("live");
}

function simulationCommand(random: Random, view: View): Command {
  if (view.state !== "PLAYING") return plain("start");
  const dice = random.below(10);
  if (dice < 5) return { name: "order", args: { side: random.pick(["BUY", "SELL"]), quantity: 1 + random.below(3) } };
  if (dice < 6) return plain("pause");
  if (dice < 7) return { name: "goback", args: { seconds: 1 + random.below(5) } };
  if (dice < 8) return { name: "speed", args: { value: random.pick([1, 2]) } };
  return step(random);
}

function modeCommand(random: Random, view: View): Command {
  if (random.chance(0.3)) {
    const mode = random.pick(["REPLAY", "LIVE", "SIMULATION"] as const);
    // Named anew now and then; without a name, a mode comes back as it was left.
    if (mode === "LIVE") return { name: "mode", args: { mode, source: "SIM", symbol: "BTCUSDT" } };
    return {
      name: "mode",
      args: random.chance(0.2) && mode === "SIMULATION" ? { mode, seed: random.pick(simulatedSeeds) } : { mode },
    };
  }
  if (view.mode === "LIVE") return liveCommand(random, view);
  if (view.mode === "SIMULATION") return simulationCommand(random, view);
  const command = replayCommand(random, view);
  // If another user has switched to SIMULATION meanwhile, a fraction would be a jump over days.
  return "fraction" in command.args ? jump(random, view) : command;
}
