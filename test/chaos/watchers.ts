import type { FeedStatus } from "@tapedeck/protocol";
import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import type { Http } from "../support/http.js";
import { LiveTapeReader } from "../support/live-tape-reader.js";
import type { SeenFrame, Viewer } from "../support/viewer.js";
import "../support/expect.js";

interface Watcher {
  readonly id: string;
  readonly viewer: Viewer;
}

/** Users who watch one live instrument: at the edge through each gateway, and one who is a little behind it. */
export class Watchers {
  readonly #http: Http;
  readonly #tapes: LiveTapeReader;
  readonly #all: readonly Watcher[];

  static async gather(
    cluster: TestCluster,
    source: string,
    symbol: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Watchers> {
    const http = cluster.http.as(headers);
    const watch = async (): Promise<Watcher> => {
      const { session_id: id } = await http.create({ mode: "LIVE", source, symbol, max_fps: 0 });
      return { id, viewer: await cluster.watch(id, { headers }) };
    };
    const all = [await watch(), await watch(), await watch()];
    await Promise.all(all.map(({ viewer }) => viewer.next(10, 40_000)));
    const shifted = all[2]?.viewer;
    await shifted?.command("pause");
    await all[0]?.viewer.next(10);
    await shifted?.command("resume");
    await shifted?.next(5);
    return new Watchers(cluster, all, http);
  }

  private constructor(cluster: TestCluster, all: readonly Watcher[], http: Http) {
    this.#http = http;
    this.#all = all;
    this.#tapes = new LiveTapeReader(cluster);
  }

  /** Waits until each has been told since a moment that the feed was not up, for a reason, and that it is up again. */
  async told(since: number, reason: RegExp, status: FeedStatus["status"] = "connecting"): Promise<void> {
    for (const { viewer } of this.#all) {
      const news = () => viewer.heard("feed").filter(({ at }) => at >= since);
      await viewer.until(
        () =>
          news().some((its) => its.status === status && reason.test(its.reason ?? "")) &&
          news().at(-1)?.status === "up",
        `word of ${reason}`,
        40_000,
      );
    }
  }

  /** Waits until each has so many frames that came after a moment. */
  async more(since: number, count: number): Promise<void> {
    await Promise.all(
      this.#all.map(({ viewer }) =>
        viewer.until(() => viewer.frames.filter(({ at }) => at >= since).length >= count, `${count} frames`, 40_000),
      ),
    );
  }

  /** Each has seen nothing but its tapes, every frame once and in order. Returns the holes that each has seen since, in ms. */
  async check(since: number): Promise<number[][]> {
    const holes: number[][] = [];
    for (const { viewer } of this.#all) {
      expect(viewer.frames).toHaveConsecutiveSeqs();
      for (const [tape, frames] of byTape(viewer)) expect(frames).toBeOfTape(await this.#tapes.truth(tape));
      holes.push(
        viewer.frames.filter(({ at }) => at >= since).flatMap(({ json }) => JSON.parse(json).gap_before_ms ?? []),
      );
    }
    return holes;
  }

  /** The longest time without a frame since a moment, at the edge. */
  longestPause(since: number): number {
    const pauses = this.#all.slice(0, 2).map(({ viewer }) => {
      const times = viewer.frames.map(({ at }) => at).filter((at, n, all) => at >= since || (all[n + 1] ?? 0) >= since);
      return times.slice(1).map((at, n) => at - (times[n] ?? at));
    });
    return Math.round(Math.max(0, ...pauses.flat()));
  }

  async leave(): Promise<void> {
    for (const { id, viewer } of this.#all) {
      await viewer.close();
      await this.#http.delete(id);
    }
    await this.#tapes.close();
  }
}

/** What a viewer saw, by the tape that it was told it plays. */
function byTape(viewer: Viewer): Map<string, SeenFrame[]> {
  const tapes = new Map<number, string>();
  for (const { session } of [...viewer.heard("session"), ...viewer.heard("state"), ...viewer.heard("ack")]) {
    if (session.tape !== null) tapes.set(session.epoch, session.tape);
  }
  const seen = new Map<string, SeenFrame[]>();
  for (const frame of viewer.frames) {
    const tape = tapes.get(frame.epoch) ?? "";
    seen.set(tape, [...(seen.get(tape) ?? []), frame]);
  }
  return seen;
}
