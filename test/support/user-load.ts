import { monitorEventLoopDelay } from "node:perf_hooks";
import { CommandLoad } from "./command-load.js";
import { now, type SeenFrame } from "./viewer.js";
import {
  type BalancedCluster,
  type Mode,
  modes,
  type SessionChoice,
  untilAllPlayOn,
  type WatchedSession,
  watchSessions,
} from "./watched-sessions.js";

/** Something that is done to a cluster while it is watched; resolves when whoever did it would call it done. */
export interface Disruption {
  readonly name: string;
  run(): Promise<unknown>;
}

/** What an event meant for those who watched and for those who pressed commands. */
export interface DisruptionOutcome {
  readonly name: string;
  readonly ms: number;
  /** The longest that any viewer waited for a frame. */
  readonly longestWaitMs: number;
  /** The longest that the watching process itself stood still: a busy machine makes waits that no cluster made. */
  readonly testStalledMs: number;
  readonly lost: number;
  readonly repeated: number;
  readonly requests: number;
  readonly failures: readonly string[];
}

const speeds = [0.5, 1, 2];
const seeds = [1, 2];
const markets = ["BTCUSDT", "ETHUSDT"];
/** What was shared out anew is part of the event: it is over when all have frames that are this much younger. */
const settleMs = 1_000;

/** Users of all modes: replays at several speeds, with and without a frame cap, a live market that needs no internet, simulations. */
function choiceOf(index: number): SessionChoice {
  const mode: Mode = modes[index % modes.length] ?? "REPLAY";
  const nth = Math.floor(index / modes.length);
  switch (mode) {
    case "REPLAY":
      return { mode, speed: speeds[nth % speeds.length] ?? 1, body: { max_fps: nth % 4 === 3 ? 5 : 0 } };
    case "LIVE":
      return { mode, speed: 1, body: { source: "SIM", symbol: markets[nth % markets.length] } };
    case "SIMULATION":
      return { mode, speed: speeds[nth % speeds.length] ?? 1, body: { seed: seeds[nth % seeds.length] } };
  }
}

/** People who watch a cluster, and some who press its commands, while things happen to it. Needs no more of it than its address. */
export class UserLoad {
  readonly sessions: readonly WatchedSession[];
  readonly #commands: CommandLoad;

  static async start(cluster: BalancedCluster, { watching = 100, commanding = 3 } = {}): Promise<UserLoad> {
    const choices = (count: number) => Array.from({ length: count }, (_, index) => choiceOf(index));
    const sessions = await watchSessions(cluster, choices(watching), 10);
    return new UserLoad(sessions, await CommandLoad.start(cluster, choices(commanding)));
  }

  private constructor(sessions: readonly WatchedSession[], commands: CommandLoad) {
    this.sessions = sessions;
    this.#commands = commands;
  }

  get all(): readonly WatchedSession[] {
    return [...this.sessions, ...this.#commands.sessions];
  }

  async during({ name, run }: Disruption): Promise<DisruptionOutcome> {
    const standstill = monitorEventLoopDelay({ resolution: 10 });
    standstill.enable();
    const from = now();
    await run();
    await untilAllPlayOn(this.sessions, now() + settleMs, 120_000);
    const to = now();
    standstill.disable();
    const during = this.#commands.requests.filter(({ at, ms }) => at + ms >= from && at <= to);
    const runs = this.sessions.map(({ viewer }) => stepsWithin(viewer.frames, from, to));
    const pressed = this.#commands.sessions.map(({ viewer }) => stepsWithin(viewer.frames, from, to));
    const steps = [...runs, ...pressed].flat();
    return {
      name,
      ms: to - from,
      longestWaitMs: runs.flat().reduce((longest, [before, frame]) => Math.max(longest, frame.at - before.at), 0),
      testStalledMs: standstill.max / 1e6,
      lost: steps.reduce((sum, step) => sum + Math.max(0, distance(step)), 0),
      repeated: steps.reduce((sum, step) => sum + Math.max(0, -distance(step)), 0),
      requests: during.length,
      failures: during.flatMap(({ failure }) => failure ?? []),
    };
  }

  /** Nobody presses anything any more, and all go. */
  async stop(): Promise<void> {
    await this.#commands.stop();
    await Promise.all(this.all.map(({ viewer }) => viewer.close()));
  }
}

type Step = readonly [before: SeenFrame, frame: SeenFrame];

/** Each frame that came within a span, and the one that the same viewer had before. */
function stepsWithin(frames: readonly SeenFrame[], from: number, to: number): Step[] {
  return frames.flatMap((frame, index): Step[] => {
    const before = frames[index - 1];
    return before !== undefined && frame.at >= from && frame.at <= to ? [[before, frame]] : [];
  });
}

/** How many frames are missing before a frame; negative, how many came again. */
function distance([before, frame]: Step): number {
  if (frame.epoch < before.epoch) return -1;
  return frame.epoch === before.epoch ? frame.prev - before.seq : 0;
}

const columns = [
  "event",
  "longest wait (ms)",
  "watchers stood (ms)",
  "frames lost",
  "repeated",
  "requests",
  "failed",
  "takes (s)",
];

export function rowOf({
  name,
  ms,
  longestWaitMs,
  testStalledMs,
  lost,
  repeated,
  requests,
  failures,
}: DisruptionOutcome): string {
  const waits = [longestWaitMs, testStalledMs].map((value) => Math.round(value));
  const values = [name, ...waits, lost, repeated, requests, failures.length, (ms / 1000).toFixed(1)];
  return `| ${values.join(" | ")} |`;
}

export function tableOf(outcomes: readonly DisruptionOutcome[]): string {
  return [`| ${columns.join(" | ")} |`, `|${" --- |".repeat(columns.length)}`, ...outcomes.map(rowOf)].join("\n");
}
