import type { Service } from "@tapedeck/cli";
import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import { describe, percentile } from "../support/distribution.js";
import { breakIn } from "../support/expect.js";
import type { Http } from "../support/http.js";
import { lateness } from "../support/pace.js";
import { headersOf } from "../support/sign-in.js";
import type { Truth } from "../support/truth.js";
import { now, type SeenFrame, type Viewer } from "../support/viewer.js";

interface Bystander {
  readonly id: string;
  readonly http: Http;
  readonly viewer: Viewer;
  readonly anchor: { readonly ns: number; readonly wallMs: number; readonly speed: number };
}

/** Users who watch a recording at 1x, each with their own session and token, during an attack on their cluster. */
export class Bystanders {
  readonly all: readonly Bystander[];
  readonly #cluster: TestCluster;
  readonly #truth: Truth;

  /** @param cluster verifies tokens of `signIn`, since limits apply to each user only if users are known */
  static async gather(cluster: TestCluster, count = 100): Promise<Bystanders> {
    const truth = await cluster.recording("primary");
    const all: Bystander[] = [];
    for (let from = 0; from < count; from += 10) {
      const group = Array.from({ length: Math.min(10, count - from) }, (_, at) => join(cluster, truth, from + at));
      all.push(...(await Promise.all(group)));
    }
    return new Bystanders(cluster, all, truth);
  }

  private constructor(cluster: TestCluster, all: readonly Bystander[], truth: Truth) {
    this.#cluster = cluster;
    this.all = all;
    this.#truth = truth;
  }

  /** Resolves when each has a frame that arrived `ms` or more after `since`. */
  async playedOn(since: number, ms: number): Promise<void> {
    await Promise.all(
      this.all.map(({ viewer }) =>
        viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) >= since + ms, `frame ${ms} ms after the attack`, 60_000),
      ),
    );
  }

  /**
   * Runs an attack, on one gateway or once they have played in peace for a second. Fails unless none of them is cut off, and 99 of 100 frames come within
   * 200 ms of their moment, or not much later than without the attack: than before, or where one gateway is attacked, than through the
   * others at the same time. On a machine that does nothing else they come within 100 ms, as what is printed shows. Other work on the
   * machine only adds delay, and to the busiest process most, so an attack that can be repeated counts as harmless if it is in one of its attempts.
   */
  async during<T>(
    name: string,
    attack: () => Promise<T>,
    { attacked, attempts = 1 }: { readonly attacked?: Service; readonly attempts?: number } = {},
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const { outcome, hit, spared } = await this.#measure(attack, attacked);
      this.#cluster.note(`attack ${name}: delay ${describe(hit)}, without it ${describe(spared)} ms`);
      for (const { id, viewer } of this.all) expect(viewer.closes, `${id} stays connected`).toEqual([]);
      const limit = 200 + 2 * percentile(spared, 0.99);
      if (attempt === attempts) expect(percentile(hit, 0.99)).toBeLessThan(limit);
      if (percentile(hit, 0.99) < limit) return outcome;
    }
  }

  /** Delays of frames while an attack runs, and of those that it spares. */
  async #measure<T>(attack: () => Promise<T>, attacked: Service | undefined) {
    const calm = now();
    await this.playedOn(calm, attacked === undefined ? 1_000 : 0);
    const began = now();
    const outcome = await attack();
    const ended = now();
    await this.playedOn(ended, 500);
    const isHit = ({ gateway }: SeenFrame) => attacked === undefined || gateway === attacked.url;
    const hit = this.#delays(began, ended + 500, isHit);
    const spared =
      attacked === undefined ? this.#delays(calm, began) : this.#delays(began, ended + 500, (frame) => !isHit(frame));
    return { outcome, hit, spared };
  }

  /** Disconnects them and checks that each has received every frame once and in order. Called last, since it blocks the process. */
  async leave(): Promise<void> {
    for (const { id, http, viewer } of this.all) {
      await viewer.close();
      await http.delete(id);
    }
    for (const { id, viewer } of this.all) {
      expect(breakIn(viewer.frames), `${id} misses, repeats or reorders`).toBeUndefined();
      const flaw = viewer.frames.map((frame) => this.#truth.flaw(frame)).find((found) => found !== undefined);
      expect(flaw, `${id} gets what the tape has not`).toBeUndefined();
    }
  }

  /** Delay in ms of each frame in a span of time. */
  #delays(from: number, to: number, counts: (frame: SeenFrame) => boolean = () => true): number[] {
    return this.all.flatMap(({ viewer, anchor }) => {
      const frames = viewer.live.filter((frame) => frame.at >= from && frame.at < to && counts(frame));
      return lateness(frames, this.#truth, anchor);
    });
  }
}

async function join(cluster: TestCluster, truth: Truth, nth: number): Promise<Bystander> {
  const headers = await headersOf(`bystander-${nth}`);
  const http = cluster.http.as(headers);
  const { session_id: id } = await http.create({ tape: truth.tape.id.split("@")[0], max_fps: 0 });
  await http.control(id, "seek", { seq: 10 + nth * 15 });
  const viewer = await cluster.watch(id, { headers });
  await http.control(id, "start");
  await viewer.next(1);
  return { id, http, viewer, anchor: await cluster.anchorOf(id) };
}
