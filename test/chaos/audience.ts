import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import { breakIn } from "../support/expect.js";
import { LiveTapeReader } from "../support/live-tapes.js";
import { longestGap } from "../support/pace.js";
import type { Truth } from "../support/truth.js";
import type { SeenFrame, Viewer } from "../support/viewer.js";

export const modes = ["REPLAY", "LIVE", "SIMULATION"] as const;
export type Mode = (typeof modes)[number];

export interface Seat {
  readonly id: string;
  readonly mode: Mode;
  readonly speed: number;
  readonly viewer: Viewer;
}

/** Markets that are watched: each feed has some, and two cores can simulate them in every ticker and gateway. */
const live = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "SIMUSD"];
const seeds = [1, 2];
/** Users who come at the same time. */
const atOnce = 20;

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
    const texts = new Map<string, string>();
    const seats: Seat[] = [];
    while (seats.length < count) {
      const group = Array.from({ length: Math.min(atOnce, count - seats.length) }, (_, at) =>
        takeSeat(cluster, seats.length + at, texts),
      );
      seats.push(...(await Promise.all(group)));
    }
    await Promise.all(seats.map(({ viewer }) => viewer.next(2, 40_000)));
    return new Audience(cluster, seats);
  }

  private constructor(cluster: TestCluster, seats: readonly Seat[]) {
    this.#cluster = cluster;
    this.seats = seats;
    this.#epochs = new Map(seats.map((seat) => [seat, seat.viewer.frames.at(-1)?.epoch ?? 0]));
  }

  /** Resolves when every viewer has been given a frame that arrived at a moment or later. */
  async playedOn(since: number): Promise<void> {
    await Promise.all(
      this.seats.map(({ viewer, mode }) =>
        viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) >= since, `frame of ${mode}`, 40_000),
      ),
    );
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

/** A session that plays, and its socket. */
export async function takeSeat(cluster: TestCluster, index: number, texts: Map<string, string>): Promise<Seat> {
  const mode = modes[index % modes.length] ?? "REPLAY";
  const nth = Math.floor(index / modes.length);
  const choice = {
    REPLAY: { tape: "slow", speed: 1 },
    LIVE: { mode, source: "SIM", symbol: live[nth % live.length], speed: 1 },
    SIMULATION: { mode, seed: seeds[nth % seeds.length], speed: 0.5 },
  }[mode];
  const { session_id: id } = await cluster.balanced.create({ ...choice, max_fps: 0 });
  const viewer = await cluster.watch(id, { gateways: [cluster.url], reconnect: true, texts });
  if (mode === "REPLAY") await cluster.balanced.control(id, "start");
  return { id, mode, speed: choice.speed, viewer };
}

/** What came to a seat up to a moment, and what its tape says. */
export interface Seen extends Seat {
  readonly frames: readonly SeenFrame[];
  readonly truth: Truth;
}

async function lookedBackAt(cluster: TestCluster, seats: readonly Seat[]): Promise<Seen[]> {
  const last = new Map<string, number>();
  const looks = seats.map((seat) => {
    const tape = seat.viewer.session?.tape ?? "none";
    const frames = [...seat.viewer.frames]; // more come while tapes are read
    last.set(
      tape,
      frames.reduce((most, { seq }) => Math.max(most, seq), last.get(tape) ?? 0),
    );
    return { seat, tape, frames };
  });
  const reader = new LiveTapeReader(cluster);
  const truths = new Map<string, Truth>();
  for (const [tape, seq] of last) truths.set(tape, await reader.truth(tape, seq));
  await reader.close();
  return looks.map(({ seat, tape, frames }) => {
    const truth = truths.get(tape);
    if (truth === undefined) throw new Error(`nothing is known of ${tape}`);
    return { ...seat, frames, truth };
  });
}

/** By how many ms the longest wait for a frame exceeded what the tape asks for, in a span of time. */
export function hiccup({ frames, truth, speed }: Seen, [from, to]: readonly [number, number]): number {
  const first = frames.findIndex(({ at }) => at >= from);
  const after = frames.findIndex(({ at }) => at > to);
  if (first < 0) return 0;
  return longestGap(frames.slice(Math.max(0, first - 1), after < 0 ? undefined : after), truth, speed);
}
