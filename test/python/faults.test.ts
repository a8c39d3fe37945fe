import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "@tapedeck/cli";
import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import "../support/expect.js";
import { SilentProxy } from "../support/silent-proxy.js";
import type { Truth } from "../support/truth.js";
import { havePython, pythonTestOnCluster } from "./python-test.js";
import { fastTiming, type PythonViewer, type PythonViewers } from "./python-viewers.js";

const test = pythonTestOnCluster().skipIf(!havePython);

function gatewaysOf(cluster: TestCluster): string[] {
  return cluster.gateways.map(({ url }) => url);
}

async function playing(cluster: TestCluster, viewers: PythonViewers): Promise<[PythonViewer, Truth]> {
  const truth = await cluster.recording("usdm");
  const gateways = gatewaysOf(cluster);
  const viewer = await viewers.open({ url: cluster.url, gateways, timing: fastTiming, options: { tape: "usdm" } });
  await viewer.command("start");
  await viewer.next(20);
  return [viewer, truth];
}

/** The gateway that serves a session. */
function serving(cluster: TestCluster, { node }: PythonViewer): Service {
  const service = cluster.gateways.find(({ name }) => node.startsWith(`${name}-`));
  if (!service) throw new Error(`no gateway is named ${node}`);
  return service;
}

/** No frame is missing or repeated. */
function expectWholeRun(viewer: PythonViewer, truth: Truth): void {
  const { frames, histories } = viewer;
  expect(histories).toHaveLength(1);
  expect(frames).toHaveConsecutiveSeqs();
  expect(frames).toBeOfTape(truth);
  expect(viewer.received).toBe(frames.length - (histories[0]?.frames ?? 0));
}

test("[CL30] [CL11] in Python: when its gateway is killed, the session continues through another one with the next frame", async ({
  cluster,
  viewers,
}) => {
  const [viewer, truth] = await playing(cluster, viewers);
  const { node } = viewer;
  const fault = performance.now();
  cluster.signal(serving(cluster, viewer), "SIGKILL");
  await viewer.until(() => viewer.reconnects === 1, "the return");
  cluster.note(`python: back ${Math.round(performance.now() - fault)} ms after its gateway was killed`);
  expect(viewer.connections[0]).toMatchObject({ connection: "reconnecting", retryInMs: 0 });
  await viewer.next(20);
  expect(viewer.node).not.toBe(node);
  expectWholeRun(viewer, truth);
  await cluster.untilAllReady();
});

test("[CL31] in Python: when its gateway shuts down, the session continues through another one at once", async ({
  cluster,
  viewers,
}) => {
  const [viewer, truth] = await playing(cluster, viewers);
  const { node } = viewer;
  cluster.signal(serving(cluster, viewer), "SIGTERM");
  await viewer.until(() => viewer.reconnects === 1, "the return");
  expect(viewer.connections[0]).toMatchObject({ connection: "reconnecting", retryInMs: 0 });
  expect(viewer.connections[0]?.why).toMatch(/^restarting \(1012/);
  await viewer.next(20);
  expect(viewer.node).not.toBe(node);
  expectWholeRun(viewer, truth);
  await cluster.untilAllReady();
});

test("[CL32] [CL12] in Python: a network that goes silent without closing is noticed in time, and no frame is missed", async ({
  cluster,
  viewers,
}) => {
  const [first = "", second = ""] = gatewaysOf(cluster);
  const proxy = await SilentProxy.inFrontOf(first);
  const truth = await cluster.recording("usdm");
  const timing = { ...fastTiming, silence_ms: 1000 };
  const viewer = await viewers.open({
    url: cluster.url,
    gateways: [proxy.url, second],
    timing,
    options: { tape: "usdm" },
  });
  expect(proxy.connections).toBe(1);
  await viewer.command("start");
  await viewer.next(20);
  const fault = performance.now();
  proxy.goSilent();
  await expect(viewer.command("speed", { value: 2 })).rejects.toMatchObject({ code: "interrupted" });
  const noticed = performance.now() - fault;
  expect(noticed).toBeLessThan(timing.silence_ms + 1000);
  await viewer.until(() => viewer.reconnects === 1, "the return");
  await viewer.next(20);
  expect((await viewer.stats()).view.speed).toBe(1); // the command was lost as well
  expectWholeRun(viewer, truth);
  cluster.note(`python: silence noticed after ${Math.round(noticed)} ms of ${timing.silence_ms}`);
  await viewer.close();
  await proxy.close();
});

test("[CL32] in Python: a stopped session does not count as silent", async ({ cluster, viewers }) => {
  const timing = { ...fastTiming, silence_ms: 400 };
  const viewer = await viewers.open({ url: cluster.url, timing, options: { tape: "usdm" } });
  const latencies = new Set<number | null>();
  await cluster.until(async () => latencies.add((await viewer.stats()).latencyMs).size > 5, "five pongs");
  expect(viewer.connections).toEqual([]);
  expect((await viewer.stats()).framesReceived).toBe(0);
});

test("[CL33] in Python: a deleted session ends for all its viewers", async ({ cluster, viewers }) => {
  const [viewer] = await playing(cluster, viewers);
  const other = await viewers.join(viewer.sessionId, { url: cluster.url, timing: fastTiming });
  await cluster.http.delete(viewer.sessionId);
  await Promise.all([viewer, other].map((one) => one.until(() => one.end !== undefined, "the end")));
  expect([viewer.end, other.end]).toEqual([
    { reason: "deleted", error: null },
    { reason: "deleted", error: null },
  ]);
  await expect(viewer.command("start")).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
});

/** A viewer at a gateway that can be cut off, which has got some frames. */
async function cutOff(cluster: TestCluster, viewers: PythonViewers): Promise<[PythonViewer, SilentProxy]> {
  const [first = ""] = gatewaysOf(cluster);
  const proxy = await SilentProxy.inFrontOf(first);
  const timing = { ...fastTiming, silence_ms: 400 };
  const options = { tape: "usdm", max_fps: 0 };
  const viewer = await viewers.open({ url: cluster.url, gateways: [proxy.url], timing, options });
  await viewer.command("start");
  await viewer.next(5);
  return [viewer, proxy];
}

async function goSilent(viewer: PythonViewer, proxy: SilentProxy): Promise<void> {
  proxy.goSilent();
  await viewer.until(() => viewer.connection === "reconnecting", "the loss");
}

test("[CL33] [CL11] in Python: a session that was deleted while its viewer was offline is not created again when the viewer reconnects", async ({
  cluster,
  viewers,
}) => {
  const [viewer, proxy] = await cutOff(cluster, viewers);
  await goSilent(viewer, proxy);
  await expect(viewer.command("pause")).rejects.toMatchObject({ code: "offline" });
  await cluster.http.delete(viewer.sessionId);
  proxy.resume();
  await viewer.until(() => viewer.end !== undefined, "the end");
  expect(viewer.end).toEqual({ reason: "expired", error: null }); // the cluster no longer knows that it was deleted
  expect(await cluster.redis.exists(cluster.keys.session(viewer.sessionId))).toBe(0);
  await proxy.close();
});

test("[CL4] in Python: a viewer that was offline for too long gets a new history that says that frames are missing", async ({
  cluster,
  viewers,
}) => {
  const [viewer, proxy] = await cutOff(cluster, viewers);
  await goSilent(viewer, proxy);
  // Nine jumps are more epochs than a session remembers.
  for (let jump = 1; jump <= 9; jump++) await cluster.http.control(viewer.sessionId, "seek", { seq: 100 * jump });
  proxy.resume();
  await viewer.until(() => viewer.histories.length === 2, "another history");
  expect(viewer.histories.map(({ complete }) => complete)).toEqual([true, false]);
  await viewer.next(20);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  await viewer.close();
  await proxy.close();
});

test("[CL3] in Python: missed jumps are delivered in order, epoch by epoch", async ({ cluster, viewers }) => {
  const truth = await cluster.recording("usdm");
  const [viewer, proxy] = await cutOff(cluster, viewers);
  const stays = await cluster.watch(viewer.sessionId, { gateways: gatewaysOf(cluster).slice(1) });
  await goSilent(viewer, proxy);
  const epochs = new Set(viewer.frames.map(({ epoch }) => epoch));
  for (const seq of [900, 300, 600]) {
    epochs.add((await cluster.http.control(viewer.sessionId, "seek", { seq })).epoch);
    await stays.untilSession(({ controller_state }) => controller_state.cursor_seq !== null, "the jump");
    await stays.next(3);
  }
  proxy.resume();
  await viewer.until(() => viewer.frames.at(-1)?.epoch === Math.max(...epochs), "the newest epoch");
  await viewer.next(10);
  expect(new Set(viewer.frames.map(({ epoch }) => epoch))).toEqual(epochs);
  expectWholeRun(viewer, truth);
  await viewer.close();
  await proxy.close();
});

/** Longer than a ping and its answer may take. */
const standsStillS = 5;

test.for(["busy", "suspended"] as const)(
  "[CL37] in Python: a program that was %s for seconds keeps its connections, and misses no frame",
  async (how, { cluster, viewers }) => {
    const truth = await cluster.recording("usdm");
    const at = { url: cluster.url, options: { tape: "usdm" } };
    const [viewer, paused] = [await viewers.open(at), await viewers.open(at)];
    await viewer.command("start");
    await viewer.next(20);
    if (how === "busy") await viewers.request({ do: "busy", seconds: standsStillS });
    else {
      viewers.signal("SIGSTOP");
      await sleep(standsStillS * 1000);
      viewers.signal("SIGCONT");
    }
    await sleep(3000); // longer than the wait for an answer, so that a connection that was given up would show
    await viewer.next(5);
    expect([...viewer.connections, ...paused.connections]).toEqual([]);
    expectWholeRun(viewer, truth);
  },
);

test("[CL40] in Python: closing a session on a silent network takes a second", async ({ cluster, viewers }) => {
  const [viewer, proxy] = await cutOff(cluster, viewers);
  proxy.goSilent();
  const asked = performance.now();
  await viewer.close();
  expect(performance.now() - asked).toBeLessThan(5000);
  expect(viewer.end).toEqual({ reason: "closed", error: null });
  await viewers.close();
  expect(viewers.left).toEqual([]);
  await proxy.close();
});
