import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import "../support/expect.js";
import { now, type Viewer } from "../support/viewer.js";

/** At the speeds of these tests, a session without frames for this long has stalled. */
const stalledMs = 2_500;

export interface User {
  readonly id: string;
  readonly viewer: Viewer;
}

export async function join(cluster: TestCluster, choice: Record<string, unknown>): Promise<User> {
  const { session_id: id } = await cluster.http.create({ max_fps: 0, ...choice });
  return { id, viewer: await cluster.watch(id) };
}

/** Frames that came after a moment. */
export function framesSince(moment: number, { viewer }: User): number {
  return viewer.frames.filter(({ at }) => at >= moment).length;
}

/** One user of each mode, playing while a part of the cluster is unavailable. */
export class MixedSessions {
  readonly cluster: TestCluster;
  readonly replay: User;
  readonly live: User;
  readonly simulation: User;
  readonly #pids: readonly number[];

  static async start(cluster: TestCluster, speed = 1): Promise<MixedSessions> {
    const replay = await join(cluster, { tape: "primary", speed, max_fps: 30 });
    const live = await join(cluster, { mode: "LIVE", source: "SIM", symbol: "SIMUSD" });
    const simulation = await join(cluster, { mode: "SIMULATION", seed: 7 });
    await cluster.http.control(replay.id, "start");
    await Promise.all([replay, live, simulation].map(({ viewer }) => viewer.next(10, 40_000)));
    return new MixedSessions(cluster, replay, live, simulation);
  }

  private constructor(cluster: TestCluster, replay: User, live: User, simulation: User) {
    this.cluster = cluster;
    this.replay = replay;
    this.live = live;
    this.simulation = simulation;
    this.#pids = this.#running();
  }

  get users(): readonly User[] {
    return [this.replay, this.live, this.simulation];
  }

  async wait(ms: number): Promise<void> {
    const until = now() + ms;
    await this.cluster.until(() => now() >= until, "some time to pass");
  }

  /** Checks that a request is refused with 503, the reason and Retry-After. */
  async expectUnavailable(method: string, path: string, body: Record<string, unknown>, why: RegExp): Promise<void> {
    const answer = await this.cluster.http.call(method, path, body);
    expect([path, answer.status]).toEqual([path, 503]);
    expect(answer.body).toMatchObject({ code: "UNAVAILABLE", message: expect.stringMatching(why) });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  }

  /**
   * Checks that without the tape store the replay plays the frames in memory and then waits, that any number of requests for a tape that
   * is not open are refused, and that live and simulated markets continue. When the store is back, the replay continues.
   */
  async checkStoreOutage(
    how: string,
    { begin, end }: { begin: () => Promise<void>; end: () => Promise<void> },
  ): Promise<void> {
    const { cluster, replay, live, simulation } = this;
    await begin();
    const began = now();
    try {
      const asked = Array.from({ length: 8 }, () =>
        this.expectUnavailable("POST", "/sessions/create", { tape: "eth" }, /tape store cannot be read/),
      );
      await Promise.all(asked);
      cluster.note(`chaos tape store ${how}: requests for a tape are refused within ${Math.round(now() - began)} ms`);
      const lastAt = () => replay.viewer.frames.at(-1)?.at ?? 0;
      await cluster.until(() => now() - Math.max(began, lastAt()) > stalledMs, "the replay to stall", 40_000);
      expect(replay.viewer.lastSeq).toBeLessThan((await cluster.recording("primary")).lastSeq);
      for (const user of [live, simulation]) {
        expect(framesSince(began, user)).toBeGreaterThan((now() - began) / 150);
        expect(framesSince(now() - stalledMs, user)).toBeGreaterThan(0);
      }
    } finally {
      await end();
    }
    const back = now();
    await replay.viewer.next(1, 40_000);
    cluster.note(`chaos tape store ${how}: the replay continues ${Math.round(now() - back)} ms after it is back`);
  }

  /** Checks that all sessions play with the correct frames, and that no socket closed and no process ended. */
  async expectAllRecovered(): Promise<void> {
    await Promise.all(this.users.map(({ viewer }) => viewer.next(5, 40_000)));
    for (const { viewer } of this.users) {
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect([viewer.closes, viewer.connections]).toEqual([[], 1]);
    }
    expect(this.replay.viewer.frames).toBeOfTape(await this.cluster.recording("primary"));
    expect(this.#running()).toEqual(this.#pids);
  }

  async end(): Promise<void> {
    for (const { id, viewer } of this.users) await this.cluster.end({ id, viewers: [viewer] });
  }

  #running(): number[] {
    const { gateways, apis, tickers, feeds } = this.cluster;
    const alive = [...gateways, ...apis, ...tickers, ...feeds].filter(({ ready }) => ready);
    return alive.map(({ pid }) => pid);
  }
}
