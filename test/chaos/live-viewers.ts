import type { FeedStatus } from "@tapedeck/protocol";
import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import type { Http } from "../support/http.js";
import { LiveTapeReader } from "../support/live-tape-reader.js";
import type { SeenFrame, Viewer } from "../support/viewer.js";
import "../support/expect.js";

interface LiveViewer {
  readonly id: string;
  readonly viewer: Viewer;
}

/** Viewers of one live instrument: one at the edge through each gateway, and one a little behind it. */
export class LiveViewers {
  readonly #http: Http;
  readonly #tapes: LiveTapeReader;
  readonly #all: readonly LiveViewer[];

  static async start(
    cluster: TestCluster,
    source: string,
    symbol: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<LiveViewers> {
    const http = cluster.http.as(headers);
    const watch = async (): Promise<LiveViewer> => {
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
    return new LiveViewers(cluster, all, http);
  }

  private constructor(cluster: TestCluster, all: readonly LiveViewer[], http: Http) {
    this.#http = http;
    this.#all = all;
    this.#tapes = new LiveTapeReader(cluster);
  }

  /** Waits until each viewer has got, since a moment, this status of the feed with this reason, and then that it is up again. */
  async untilFeedStatus(since: number, reason: RegExp, status: FeedStatus["status"] = "connecting"): Promise<void> {
    for (const { viewer } of this.#all) {
      const reports = () => viewer.messagesOf("feed").filter(({ at }) => at >= since);
      await viewer.until(
        () =>
          reports().some((feed) => feed.status === status && reason.test(feed.reason ?? "")) &&
          reports().at(-1)?.status === "up",
        `feed status with ${reason}`,
        40_000,
      );
    }
  }

  /** Waits until each viewer has this many frames that came after a moment. */
  async untilFrames(since: number, count: number): Promise<void> {
    await Promise.all(
      this.#all.map(({ viewer }) =>
        viewer.until(() => viewer.frames.filter(({ at }) => at >= since).length >= count, `${count} frames`, 40_000),
      ),
    );
  }

  /** Checks that each viewer got every frame of its tapes once and in order. Returns the gaps that each got since a moment, in ms. */
  async check(since: number): Promise<number[][]> {
    const gaps: number[][] = [];
    for (const { viewer } of this.#all) {
      expect(viewer.frames).toHaveConsecutiveSeqs();
      for (const [tape, frames] of byTape(viewer)) expect(frames).toBeOfTape(await this.#tapes.truth(tape));
      gaps.push(
        viewer.frames.filter(({ at }) => at >= since).flatMap(({ json }) => JSON.parse(json).gap_before_ms ?? []),
      );
    }
    return gaps;
  }

  /** The longest time without a frame at the edge since a moment. */
  longestPause(since: number): number {
    const pauses = this.#all.slice(0, 2).map(({ viewer }) => {
      const times = viewer.frames.map(({ at }) => at).filter((at, n, all) => at >= since || (all[n + 1] ?? 0) >= since);
      return times.slice(1).map((at, n) => at - (times[n] ?? at));
    });
    return Math.round(Math.max(0, ...pauses.flat()));
  }

  async stop(): Promise<void> {
    for (const { id, viewer } of this.#all) {
      await viewer.close();
      await this.#http.delete(id);
    }
    await this.#tapes.close();
  }
}

/** A viewer's frames by the tape that its session's messages name. */
function byTape(viewer: Viewer): Map<string, SeenFrame[]> {
  const tapes = new Map<number, string>();
  for (const { session } of [
    ...viewer.messagesOf("session"),
    ...viewer.messagesOf("state"),
    ...viewer.messagesOf("ack"),
  ]) {
    if (session.tape !== null) tapes.set(session.epoch, session.tape);
  }
  const seen = new Map<string, SeenFrame[]>();
  for (const frame of viewer.frames) {
    const tape = tapes.get(frame.epoch) ?? "";
    seen.set(tape, [...(seen.get(tape) ?? []), frame]);
  }
  return seen;
}
