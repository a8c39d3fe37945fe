import { type ClusterClient, tapedeck } from "@tapedeck/client";
import { afterEach, expect } from "vitest";
import WebSocket from "ws";
import { type TestCluster, test } from "../support/cluster.js";
import { describe as distribution, percentile } from "../support/distribution.js";
import { longestGap } from "../support/pace.js";
import "../support/expect.js";
import type { Service } from "@tapedeck/cli";
import { SdkViewer } from "../support/sdk-viewer.js";
import type { Truth } from "../support/truth.js";
import { now, type SeenFrame } from "../support/viewer.js";

/** The file that clusters serve to pages: the other build of the SDK. */
const bundle = new URL("../../packages/client/dist/sdk.js", import.meta.url).href;

const viewerCount = 24;

interface Watching {
  readonly viewer: SdkViewer;
  readonly speed: number;
}

const open: Watching[] = [];
afterEach(() => {
  for (const { viewer } of open.splice(0)) viewer.session.close();
});

/** Each gateway's address first for half of the viewers. */
function direct(cluster: TestCluster): readonly (readonly string[])[] {
  const addresses = cluster.gateways.map(({ url }) => url);
  return [addresses, addresses.toReversed()];
}

/**
 * Viewers with the SDK's own timing and of both builds, on sessions of their own with 4 frames a second or more.
 *
 * @param addresses those of the gateways, for each part of the viewers
 */
async function watching(
  cluster: TestCluster,
  truth: Truth,
  addresses: readonly (readonly string[])[],
): Promise<readonly Watching[]> {
  const bundled: typeof import("@tapedeck/client") = await import(bundle);
  const clients = [tapedeck, bundled.tapedeck].flatMap((build) =>
    addresses.map((gateways) => build({ url: cluster.url, gateways, WebSocket })),
  );
  for (let from = 0; from < viewerCount; from += 8) {
    await Promise.all(Array.from({ length: 8 }, (_, at) => join(clients, truth, from + at)));
  }
  return open;
}

async function join(clients: readonly ClusterClient[], truth: Truth, index: number): Promise<void> {
  const client = clients[index % clients.length];
  if (!client) throw new Error("no client");
  const speed = index % 8 < 4 ? 1 : 2;
  const maxFps = [0, 30, 4][index % 3] ?? 0;
  const [tape = ""] = truth.tape.id.split("@");
  const viewer = await SdkViewer.open(client, { tape, speed, maxFps });
  open.push({ viewer, speed });
  await viewer.session.start();
  await viewer.next(5);
}

/** Resolves when every viewer has received a frame `ms` or more after `since`. */
async function untilAllPlayOn(viewers: readonly Watching[], since: number, ms: number): Promise<void> {
  await Promise.all(
    viewers.map(({ viewer }) =>
      viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) >= since + ms, `frame ${ms} ms after the fault`, 30_000),
    ),
  );
}

/** The viewers of one gateway. */
function through(service: Service, viewers: readonly Watching[]): readonly Watching[] {
  const found = viewers.filter(({ viewer }) => viewer.session.node.startsWith(`${service.name}-`));
  expect(found.length).toBeGreaterThan(viewers.length / 4);
  return found;
}

/** No viewer missed a frame or got one twice. Prints by how much the longest pause of each exceeded the tape's, and returns these. */
function check(cluster: TestCluster, name: string, truth: Truth, moved: readonly Watching[], fault: number): number[] {
  for (const { viewer } of open) {
    expect(viewer.histories).toHaveLength(1);
    expect(viewer.frames).toHaveConsecutiveSeqs();
    expect(viewer.frames).toBeOfTape(truth);
  }
  const stillness = moved.map(({ viewer, speed }) => {
    const first = viewer.frames.findIndex(({ at }) => at >= fault);
    return longestGap(viewer.frames.slice(Math.max(0, first - 1)), truth, speed);
  });
  const pauses = moved.map(({ viewer }) => longestPause(viewer.frames.filter(({ at }) => at >= fault - 1000)));
  cluster.note(
    `chaos SDK, ${name}: ${moved.length} of ${open.length} viewers stand ${distribution(stillness)} ms, ` +
      `without a frame for ${distribution(pauses)} ms`,
  );
  return stillness;
}

function longestPause(frames: readonly SeenFrame[]): number {
  return Math.max(...frames.map(({ at }, nth) => at - (frames[nth - 1]?.at ?? at)));
}

test.for([
  ["at its own address", direct],
  ["behind the balancer", (cluster: TestCluster) => [[cluster.url]]],
] as const)(
  "[CL36] [CL28] the viewers of a frozen gateway %s leave it within seconds, and none misses a frame or gets one twice",
  async ([where, addresses], { cluster }) => {
    const truth = await cluster.recording("primary");
    const viewers = await watching(cluster, truth, addresses(cluster));
    await untilAllPlayOn(viewers, now(), 1500);
    const [victim] = cluster.gateways;
    if (!victim) throw new Error("no gateway");
    const moved = through(victim, viewers);
    const fault = now();
    cluster.signal(victim, "SIGSTOP");
    try {
      await untilAllPlayOn(viewers, fault, 4000);
    } finally {
      cluster.signal(victim, "SIGCONT");
    }
    // What the gateway still sends to the sockets that were left reaches nobody.
    await untilAllPlayOn(viewers, now(), 1000);
    for (const { viewer } of moved) expect(viewer.reconnects).toBeGreaterThan(0);
    const stillness = check(cluster, `SIGSTOP gateway ${where}`, truth, moved, fault);
    expect(percentile(stillness, 0.5)).toBeLessThan(4000);
  },
);

test("[CL30] [CL20] the viewers of a killed gateway dial the next address at once, and none misses a frame or gets one twice", async ({
  cluster,
}) => {
  const truth = await cluster.recording("primary");
  const viewers = await watching(cluster, truth, direct(cluster));
  await untilAllPlayOn(viewers, now(), 1500);
  const [victim] = cluster.gateways;
  if (!victim) throw new Error("no gateway");
  const moved = through(victim, viewers);
  const fault = now();
  cluster.signal(victim, "SIGKILL");
  await untilAllPlayOn(viewers, fault, 3000);
  for (const { viewer } of moved) {
    expect(viewer.connections[0]).toMatchObject({ connection: "reconnecting", retryInMs: 0, why: /1006/ });
  }
  check(cluster, "SIGKILL gateway", truth, moved, fault);
  await cluster.untilAllReady();
});
