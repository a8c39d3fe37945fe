import { expect } from "vitest";
import { atOnce } from "../support/at-once.js";
import type { TestCluster } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import { breakIn } from "../support/expect.js";
import { longestGap } from "../support/pace.js";
import type { Truth } from "../support/truth.js";
import type { SeenFrame, Viewer } from "../support/viewer.js";

interface PlayingSession {
  readonly id: string;
  readonly viewer: Viewer;
  readonly speed: number;
  readonly maxFps: number;
  readonly anchor: { readonly ns: number; readonly wallMs: number };
}

/** Watched, playing sessions on a real recording, with different speeds, frame caps, positions and gateways. */
export class PlayingSessions {
  readonly all: readonly PlayingSession[];
  readonly truth: Truth;
  readonly #cluster: TestCluster;

  static async start(cluster: TestCluster, count = 24): Promise<PlayingSessions> {
    const truth = await cluster.recording("primary");
    const began = performance.now();
    const indexes = Array.from({ length: count }, (_, index) => index);
    const all = await atOnce(20, indexes, (index) => join(cluster, truth, index));
    console.log(`${count} sessions play after ${Math.round(performance.now() - began)} ms`);
    return new PlayingSessions(cluster, all, truth);
  }

  private constructor(cluster: TestCluster, all: readonly PlayingSession[], truth: Truth) {
    this.#cluster = cluster;
    this.all = all;
    this.truth = truth;
  }

  /** Resolves when every viewer has received a frame `ms` or more after `since`. */
  async untilAllPlayOn(since: number, ms: number): Promise<void> {
    await Promise.all(
      this.all.map(({ viewer }) =>
        viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) >= since + ms, `frame ${ms} ms after the fault`, 30_000),
      ),
    );
  }

  /** Sessions by the ticker that renders them. */
  async byTicker(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const records = await Promise.all(this.all.map(({ id }) => this.#cluster.record(id)));
    for (const { ticker } of records) counts.set(ticker, (counts.get(ticker) ?? 0) + 1);
    return counts;
  }

  /** Checks what must hold for every viewer after any fault, and prints the gaps since `fault`. */
  async check(name: string, fault: number): Promise<void> {
    const gaps: number[] = [];
    for (const { id, viewer, speed, maxFps, anchor } of this.all) {
      expect(breakIn(viewer.frames), `${id} misses, repeats or reorders`).toBeUndefined();
      for (const frame of viewer.frames)
        expect(this.truth.flaw(frame), `${id} receives a frame that the tape does not have`).toBeUndefined();
      const record = await this.#cluster.record(id);
      expect(record.state, `${id} plays on`).toBe("PLAYING");
      expect(record.anchorWallMs, `${id} keeps its anchor`).toBe(anchor.wallMs);
      const illegal = viewer.live.find((frame) => !this.#isCut(frame, anchor.ns, speed, maxFps));
      expect(
        illegal && `(${illegal.prev}, ${illegal.seq}]`,
        `${id} receives a cut that its pace does not have`,
      ).toBeUndefined();
      gaps.push(longestGap(framesSince(viewer.frames, fault), this.truth, speed));
    }
    this.#cluster.note(`chaos ${name}: gaps ${distribution(gaps)} ms over ${gaps.length} viewers`);
  }

  async leave(): Promise<void> {
    await Promise.all(this.all.map(({ id, viewer }) => this.#cluster.end({ id, viewers: [viewer] })));
  }

  /** Whether (prev, seq] lies in one cell of the grid and ends with the cell's last frame. */
  #isCut({ prev, seq }: SeenFrame, anchorNs: number, speed: number, maxFps: number): boolean {
    if (maxFps === 0) return prev === seq - 1;
    const timeline = this.truth.tape.timeline("skip");
    const cellNs = (speed / maxFps) * 1e9;
    const cell = (at: number) =>
      Math.ceil((timeline.playingOf(this.truth.ns(at)) - timeline.playingOf(anchorNs)) / cellNs - 1e-9);
    return cell(prev + 1) === cell(seq) && (seq === this.truth.lastSeq || cell(seq + 1) > cell(seq));
  }
}

async function join(cluster: TestCluster, truth: Truth, index: number): Promise<PlayingSession> {
  const speed = index % 2 === 0 ? 1 : 2;
  const maxFps = [0, 30, 4][index % 3] ?? 0;
  const { session_id: id } = await cluster.http.create({ tape: truth.tape.id.split("@")[0], speed, max_fps: maxFps });
  await cluster.http.control(id, "seek", { seq: 10 + index * 15 });
  const viewer = await cluster.watch(id, { reconnect: true });
  await cluster.http.control(id, "start");
  await viewer.next(1);
  const { anchorNs, anchorWallMs } = await cluster.record(id);
  return { id, viewer, speed, maxFps, anchor: { ns: anchorNs, wallMs: anchorWallMs } };
}

/** The frames from the last one before `since` on. */
function framesSince(frames: readonly SeenFrame[], since: number): SeenFrame[] {
  const first = frames.findIndex(({ at }) => at >= since);
  return frames.slice(Math.max(0, first - 1));
}
