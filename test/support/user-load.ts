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

/** A fault or an operation on a cluster under load. `run` resolves when the operation is complete. */
export interface Disruption {
  readonly name: string;
  run(): Promise<unknown>;
}

/** The effect of a disruption on viewers and requests. */
export interface DisruptionOutcome {
  readonly name: string;
  readonly ms: number;
  /** The longest that any viewer waited for a frame. */
  readonly longestWaitMs: number;
  /** The longest stall of the test process itself: on a busy machine it causes waits that the cluster did not. */
  readonly testStalledMs: number;
  readonly lost: number;
  readonly repeated: number;
  readonly requests: number;
  readonly failures: readonly string[];
}

const speeds = [0.5, 1, 2];
const seeds = [1, 2];
const markets = ["BTCUSDT", "ETHUSDT"];
/** Redistribution of work is part of the disruption, which is over when all viewers have frames this much younger. */
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

/** Users of all modes who watch a cluster, and some who send commands, during disruptions. Needs only the cluster's address. */
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

  /** Stops the commands and closes all sockets. */
  async stop(): Promise<void> {
    await this.#commands.stop();
    await Promise.all(this.all.map(({ viewer }) => viewer.close()));
  }
}

type Step = readonly [before: SeenFrame, frame: SeenFrame];

/** Each frame that arrived within a span, and the previous frame of the same viewer. */
function stepsWithin(frames: readonly SeenFrame[], from: number, to: number): Step[] {
  return frames.flatMap((frame, index): Step[] => {
    const before = frames[index - 1];
    return before !== undefined && frame.at >= from && frame.at <= to ? [[before, frame]] : [];
  });
}

/** How many frames are missing before a frame; negative: how many were repeated. */
function distance([before, frame]: Step): number {
  if (frame.epoch < before.epoch) return -1;
  return frame.epoch === before.epoch ? frame.prev - before.seq : 0;
}

const columns = [
  "event",
  "longest wait (ms)",
  "test stalled (ms)",
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
