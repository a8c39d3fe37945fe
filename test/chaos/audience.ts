import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import { type Choice, lookedBackAt, modes, playedOn, type Seat, type Seen, takeSeats } from "../support/crowd.js";
import { breakIn } from "../support/expect.js";
import { longestGap } from "../support/pace.js";

/** Markets that are watched: each feed has some, and two cores can simulate them in every ticker and gateway. */
const live = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "SIMUSD"];
const seeds = [1, 2];

/**
 * Users of all three modes, each with a session of their own and one socket, which comes in by the balancer as a browser's
 * does. None has a frame cap, so each frame of a tape is to come by itself.
 */
export class Audience {
  readonly seats: readonly Seat[];
  readonly #cluster: TestCluster;
  readonly #epochs: ReadonlyMap<Seat, number>;

  static async gather(cluster: TestCluster, count: number): Promise<Audience> {
    await cluster.recording("slow");
    const seats = await takeSeats(
      cluster,
      Array.from({ length: count }, (_, index) => choiceOf(index)),
    );
    return new Audience(cluster, seats);
  }

  private constructor(cluster: TestCluster, seats: readonly Seat[]) {
    this.#cluster = cluster;
    this.seats = seats;
    this.#epochs = new Map(seats.map((seat) => [seat, seat.viewer.frames.at(-1)?.epoch ?? 0]));
  }

  /** Resolves when every viewer has been given a frame that arrived at a moment or later. */
  playedOn(since: number): Promise<void> {
    return playedOn(this.seats, since);
  }

  /** All of them, and others, saw each frame of their tape once and in order, and were told to go before their connection ended. */
  async check(others: readonly Seat[]): Promise<Seen[]> {
    const seen = await lookedBackAt(this.#cluster, [...this.seats, ...others]);
    for (const { id, viewer, frames, truth } of seen) {
      expect(breakIn(frames), `${id} misses, repeats or reorders`).toBeUndefined();
      const flaw = frames.map((frame) => truth.flaw(frame)).find((found) => found !== undefined);
      expect(flaw, `${id} gets what the tape has not`).toBeUndefined();
      expect(viewer.closes.slice(0, 1), `${id} is sent away and not cut off`).toEqual(
        viewer.closes.map(() => 1012).slice(0, 1),
      );
    }
    for (const [{ id, viewer }, epoch] of this.#epochs) {
      expect(viewer.frames.at(-1)?.epoch, `${id} keeps its epoch`).toBe(epoch);
    }
    return seen;
  }
}

/** What the nth user watches. */
export function choiceOf(index: number): Choice {
  const mode = modes[index % modes.length] ?? "REPLAY";
  const nth = Math.floor(index / modes.length);
  switch (mode) {
    case "REPLAY":
      return { mode, speed: 1, body: { tape: "slow" } };
    case "LIVE":
      return { mode, speed: 1, body: { source: "SIM", symbol: live[nth % live.length] } };
    case "SIMULATION":
      return { mode, speed: 0.5, body: { seed: seeds[nth % seeds.length] } };
  }
}

/** By how many ms the longest wait for a frame exceeded what the tape asks for, in a span of time. */
export function hiccup({ frames, truth, speed }: Seen, [from, to]: readonly [number, number]): number {
  const first = frames.findIndex(({ at }) => at >= from);
  const after = frames.findIndex(({ at }) => at > to);
  if (first < 0) return 0;
  return longestGap(frames.slice(Math.max(0, first - 1), after < 0 ? undefined : after), truth, speed);
}
