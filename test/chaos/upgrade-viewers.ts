import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import { breakIn } from "../support/expect.js";
import { longestGap } from "../support/pace.js";
import {
  modes,
  type ReceivedFrames,
  receivedFramesOf,
  type SessionChoice,
  untilAllPlayOn,
  type WatchedSession,
  watchSessions,
} from "../support/watched-sessions.js";

/** The live markets: each feed has some, and two cores can simulate them in every ticker and gateway. */
const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "SIMUSD"];
const seeds = [1, 2];

/**
 * Users of all three modes, each with their own session and one socket, which connects through the balancer as a browser's
 * does. None has a frame cap, so each frame of a tape has to come as a message of its own.
 */
export class UpgradeViewers {
  readonly sessions: readonly WatchedSession[];
  readonly #cluster: TestCluster;
  readonly #epochs: ReadonlyMap<WatchedSession, number>;

  static async start(cluster: TestCluster, count: number): Promise<UpgradeViewers> {
    await cluster.recording("slow");
    const sessions = await watchSessions(
      cluster,
      Array.from({ length: count }, (_, index) => choiceOf(index)),
    );
    return new UpgradeViewers(cluster, sessions);
  }

  private constructor(cluster: TestCluster, sessions: readonly WatchedSession[]) {
    this.#cluster = cluster;
    this.sessions = sessions;
    this.#epochs = new Map(sessions.map((session) => [session, session.viewer.frames.at(-1)?.epoch ?? 0]));
  }

  /** Resolves when every viewer has got a frame at this moment or later. */
  untilAllPlayOn(since: number): Promise<void> {
    return untilAllPlayOn(this.sessions, since);
  }

  /** Checks that these users, and others, got each frame of their tape once and in order, and a close code before their connection ended. */
  async check(others: readonly WatchedSession[]): Promise<ReceivedFrames[]> {
    const seen = await receivedFramesOf(this.#cluster, [...this.sessions, ...others]);
    for (const { id, viewer, frames, truth } of seen) {
      expect(breakIn(frames), `${id} misses, repeats or reorders`).toBeUndefined();
      const flaw = frames.map((frame) => truth.flaw(frame)).find((found) => found !== undefined);
      expect(flaw, `${id} gets a frame that its tape does not have`).toBeUndefined();
      expect(viewer.closes.slice(0, 1), `${id} is closed with 1012 and not cut off`).toEqual(
        viewer.closes.map(() => 1012).slice(0, 1),
      );
    }
    for (const [{ id, viewer }, epoch] of this.#epochs) {
      expect(viewer.frames.at(-1)?.epoch, `${id} keeps its epoch`).toBe(epoch);
    }
    return seen;
  }
}

/** What user number `index` watches. */
export function choiceOf(index: number): SessionChoice {
  const mode = modes[index % modes.length] ?? "REPLAY";
  const nth = Math.floor(index / modes.length);
  switch (mode) {
    case "REPLAY":
      return { mode, speed: 1, body: { tape: "slow" } };
    case "LIVE":
      return { mode, speed: 1, body: { source: "SIM", symbol: symbols[nth % symbols.length] } };
    case "SIMULATION":
      return { mode, speed: 0.5, body: { seed: seeds[nth % seeds.length] } };
  }
}

/** By how many ms the longest wait for a frame exceeded the tape's own distance of frames, in a span of time. */
export function longestStall({ frames, truth, speed }: ReceivedFrames, [from, to]: readonly [number, number]): number {
  const first = frames.findIndex(({ at }) => at >= from);
  const after = frames.findIndex(({ at }) => at > to);
  if (first < 0) return 0;
  return longestGap(frames.slice(Math.max(0, first - 1), after < 0 ? undefined : after), truth, speed);
}
