import type { Service } from "@tapedeck/cli";
import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import { describe as distribution, percentile } from "../support/distribution.js";
import "../support/expect.js";
import { longestGap } from "../support/pace.js";
import type { Truth } from "../support/truth.js";
import { now } from "../support/viewer.js";
import { havePython, pythonTestOnCluster } from "./python-test.js";
import type { PythonViewer, PythonViewers } from "./python-viewers.js";

const test = pythonTestOnCluster().skipIf(!havePython);

/** Half of them have the gateway that a test stops. */
const viewerCount = 12;

interface Watching {
  readonly viewer: PythonViewer;
  readonly speed: number;
}

/** Each gateway's address first for half of the viewers. */
function direct(cluster: TestCluster): readonly (readonly string[])[] {
  const addresses = cluster.gateways.map(({ url }) => url);
  return [addresses, addresses.toReversed()];
}

/**
 * Viewers with the client's own timing, on sessions of their own with 4 frames a second or more.
 *
 * @param addresses those of the gateways, for each part of the viewers
 */
async function watching(
  cluster: TestCluster,
  viewers: PythonViewers,
  truth: Truth,
  addresses: readonly (readonly string[])[],
): Promise<readonly Watching[]> {
  const open: Watching[] = [];
  const [tape = ""] = truth.tape.id.split("@");
  for (let from = 0; from < viewerCount; from += 4) {
    const batch = Array.from({ length: 4 }, async (_, at) => {
      const index = from + at;
      const speed = index % 8 < 4 ? 1 : 2;
      const gateways = addresses[index % addresses.length] ?? [];
      const options = { tape, speed, max_fps: [0, 30, 4][index % 3] ?? 0 };
      const viewer = await viewers.open({ url: cluster.url, gateways, options });
      await viewer.command("start");
      await viewer.next(5);
      return { viewer, speed };
    });
    open.push(...(await Promise.all(batch)));
  }
  return open;
}

/** Resolves when every viewer has received a frame `ms` or more after `since`. */
async function untilAllPlayOn(open: readonly Watching[], since: number, ms: number): Promise<void> {
  await Promise.all(
    open.map(({ viewer }) =>
      viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) >= since + ms, `frame ${ms} ms after the fault`, 30_000),
    ),
  );
}

/** The viewers of one gateway. */
function through(service: Service, open: readonly Watching[]): readonly Watching[] {
  const found = open.filter(({ viewer }) => viewer.node.startsWith(`${service.name}-`));
  expect(found.length).toBeGreaterThan(open.length / 4);
  return found;
}

/** No viewer missed a frame or got one twice. Prints by how much the longest pause of each exceeded the tape's, and returns these. */
function check(
  cluster: TestCluster,
  name: string,
  truth: Truth,
  open: readonly Watching[],
  moved: readonly Watching[],
  fault: number,
): number[] {
  for (const { viewer } of open) {
    expect(viewer.histories).toHaveLength(1);
    expect(viewer.frames).toHaveConsecutiveSeqs();
    expect(viewer.frames).toBeOfTape(truth);
  }
  const stillness = moved.map(({ viewer, speed }) => {
    const first = viewer.frames.findIndex(({ at }) => at >= fault);
    return longestGap(viewer.frames.slice(Math.max(0, first - 1)), truth, speed);
  });
  cluster.note(`chaos Python, ${name}: ${moved.length} of ${open.length} viewers stand ${distribution(stillness)} ms`);
  return stillness;
}

test.for([
  ["at its own address", direct],
  ["behind the balancer", (cluster: TestCluster) => [[cluster.url]]],
] as const)(
  "[CL36] [CL28] in Python: the viewers of a frozen gateway %s leave it within seconds, and none misses a frame or gets one twice",
  async ([where, addresses], { cluster, viewers }) => {
    const truth = await cluster.recording("primary");
    const open = await watching(cluster, viewers, truth, addresses(cluster));
    await untilAllPlayOn(open, now(), 1500);
    const [victim] = cluster.gateways;
    if (!victim) throw new Error("no gateway");
    const moved = through(victim, open);
    const fault = now();
    cluster.signal(victim, "SIGSTOP");
    try {
      await untilAllPlayOn(open, fault, 4000);
    } finally {
      cluster.signal(victim, "SIGCONT");
    }
    // What the gateway still sends to the sockets that were left reaches nobody.
    await untilAllPlayOn(open, now(), 1000);
    for (const { viewer } of moved) expect(viewer.reconnects).toBeGreaterThan(0);
    const stillness = check(cluster, `SIGSTOP gateway ${where}`, truth, open, moved, fault);
    expect(percentile(stillness, 0.5)).toBeLessThan(4000);
  },
);

test.for([
  ["killed", "SIGKILL", /1006/],
  ["drained", "SIGTERM", /^restarting \(1012/],
] as const)(
  "[CL30] [CL31] [CL20] in Python: the viewers of a %s gateway dial the next address at once, and none misses a frame or gets one twice",
  async ([_, signal, why], { cluster, viewers }) => {
    const truth = await cluster.recording("primary");
    const open = await watching(cluster, viewers, truth, direct(cluster));
    await untilAllPlayOn(open, now(), 1500);
    const [victim] = cluster.gateways;
    if (!victim) throw new Error("no gateway");
    const moved = through(victim, open);
    const fault = now();
    cluster.signal(victim, signal);
    await untilAllPlayOn(open, fault, 3000);
    for (const { viewer } of moved) {
      expect(viewer.connections[0]).toMatchObject({ connection: "reconnecting", retryInMs: 0 });
      expect(viewer.connections[0]?.why).toMatch(why);
    }
    check(cluster, `${signal} gateway`, truth, open, moved, fault);
    await cluster.untilAllReady();
  },
);
