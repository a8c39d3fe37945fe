import type { Service } from "@tapedeck/cli";
import { expect } from "vitest";
import { type TestCluster, test } from "../support/cluster.js";
import "../support/expect.js";
import { clientAt, fastTiming, SdkViewer } from "../support/sdk-viewer.js";
import { SilentProxy } from "../support/silent-proxy.js";
import type { Truth } from "../support/truth.js";

/** Both gateways, without the balancer. */
function gatewaysOf(cluster: TestCluster): string[] {
  return cluster.gateways.map(({ url }) => url);
}

async function playing(cluster: TestCluster, gateways = gatewaysOf(cluster)): Promise<[SdkViewer, Truth]> {
  const truth = await cluster.recording("usdm");
  const viewer = await SdkViewer.open(clientAt(cluster.url, { gateways }), { tape: "usdm" });
  await viewer.session.start();
  await viewer.next(20);
  return [viewer, truth];
}

/** The gateway that serves a session. */
function serving(cluster: TestCluster, { session }: SdkViewer): Service {
  const service = cluster.gateways.find(({ name }) => session.node.startsWith(`${name}-`));
  if (!service) throw new Error(`no gateway is named ${session.node}`);
  return service;
}

/** No frame is missing or repeated. */
function expectWholeRun({ frames, histories, session }: SdkViewer, truth: Truth): void {
  expect(histories).toHaveLength(1);
  expect(frames).toHaveConsecutiveSeqs();
  expect(frames).toBeOfTape(truth);
  expect(session.stats.framesReceived).toBe(frames.length - (histories[0]?.frames.length ?? 0));
}

test("[CL30] [CL11] when its gateway is killed, the session continues through another one with the next frame", async ({
  cluster,
}) => {
  const [viewer, truth] = await playing(cluster);
  const { node } = viewer.session;
  const fault = performance.now();
  cluster.signal(serving(cluster, viewer), "SIGKILL");
  await viewer.until(() => viewer.session.connection === "reconnecting", "the loss");
  const offline = viewer.session.pause();
  await expect(offline).rejects.toMatchObject({ code: "offline" });
  await viewer.until(() => viewer.reconnects === 1, "the return");
  cluster.note(`sdk: back ${Math.round(performance.now() - fault)} ms after its gateway was killed`);
  await viewer.next(20);
  expect(viewer.session.node).not.toBe(node);
  expectWholeRun(viewer, truth);
  viewer.session.close();
  await cluster.untilAllReady();
});

test("[CL31] when its gateway shuts down, the session continues through another one at once", async ({ cluster }) => {
  const [viewer, truth] = await playing(cluster);
  const { node } = viewer.session;
  cluster.signal(serving(cluster, viewer), "SIGTERM");
  await viewer.until(() => viewer.reconnects === 1, "the return");
  expect(viewer.session.node).not.toBe(node);
  expect(viewer.connections[0]).toMatchObject({ connection: "reconnecting", retryInMs: 0, why: /^restarting \(1012/ });
  await viewer.next(20);
  expectWholeRun(viewer, truth);
  viewer.session.close();
  await cluster.untilAllReady();
});

test("[CL32] [CL12] a network that goes silent without closing is noticed in time, and no frame is missed", async ({
  cluster,
}) => {
  const [first = "", second = ""] = gatewaysOf(cluster);
  const proxy = await SilentProxy.inFrontOf(first);
  const truth = await cluster.recording("usdm");
  const silenceMs = 1000;
  const client = clientAt(cluster.url, { gateways: [proxy.url, second], timing: { ...fastTiming, silenceMs } });
  const viewer = await SdkViewer.open(client, { tape: "usdm" });
  expect(proxy.connections).toBe(1);
  await viewer.session.start();
  await viewer.next(20);
  const before = viewer.session.node;
  const fault = performance.now();
  proxy.goSilent();
  const unanswered = viewer.session.speed(2);
  await expect(unanswered).rejects.toMatchObject({ code: "interrupted", message: /may have been carried out/ });
  const noticed = performance.now() - fault;
  expect(noticed).toBeLessThan(silenceMs + 1000);
  await viewer.until(() => viewer.reconnects === 1, "the return");
  await viewer.next(20);
  expect(viewer.session.node).not.toBe(before);
  expect(viewer.session.view.speed).toBe(1); // the command was lost as well
  expectWholeRun(viewer, truth);
  cluster.note(`sdk: silence noticed after ${Math.round(noticed)} ms of ${silenceMs}`);
  viewer.session.close();
  await proxy.close();
});

test("[CL32] a stopped session does not count as silent", async ({ cluster }) => {
  const client = clientAt(cluster.url, { timing: { ...fastTiming, silenceMs: 400 } });
  const viewer = await SdkViewer.open(client, { tape: "usdm" });
  const { stats } = viewer.session;
  expect(stats.framesReceived).toBe(0);
  const latencies = new Set<number | undefined>();
  await cluster.until(() => latencies.add(viewer.session.stats.latencyMs).size > 5, "five pongs");
  expect(viewer.connections).toEqual([]);
  viewer.session.close();
});

test("[CL33] a deleted session ends for all its viewers", async ({ cluster }) => {
  const [viewer] = await playing(cluster);
  const other = new SdkViewer(await clientAt(cluster.url).join(viewer.session.id));
  await cluster.http.delete(viewer.session.id);
  await Promise.all([viewer, other].map((one) => one.until(() => one.end !== undefined, "the end")));
  expect([viewer.end, other.end]).toEqual([{ reason: "deleted" }, { reason: "deleted" }]);
  await expect(viewer.session.start()).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
});

test("[CL33] a session that was deleted while its viewer was offline is not created again when the viewer reconnects", async ({
  cluster,
}) => {
  const [first = ""] = gatewaysOf(cluster);
  const proxy = await SilentProxy.inFrontOf(first);
  const client = clientAt(cluster.url, { gateways: proxy.url, timing: { ...fastTiming, silenceMs: 400 } });
  const viewer = await SdkViewer.open(client, { tape: "usdm" });
  proxy.goSilent();
  await viewer.until(() => viewer.session.connection === "reconnecting", "the loss");
  await cluster.http.delete(viewer.session.id);
  proxy.resume();
  await viewer.until(() => viewer.end !== undefined, "the end");
  expect(viewer.end).toEqual({ reason: "expired" }); // the cluster no longer knows that it was deleted
  expect(await cluster.redis.exists(cluster.keys.session(viewer.session.id))).toBe(0);
  await proxy.close();
});

test("[CL4] a viewer that was offline for too long gets a new history that says that frames are missing", async ({
  cluster,
}) => {
  const [first = ""] = gatewaysOf(cluster);
  const proxy = await SilentProxy.inFrontOf(first);
  const client = clientAt(cluster.url, { gateways: proxy.url, timing: { ...fastTiming, silenceMs: 400 } });
  const viewer = await SdkViewer.open(client, { tape: "usdm", maxFps: 0 });
  await viewer.session.start();
  await viewer.next(5);
  proxy.goSilent();
  await viewer.until(() => viewer.session.connection === "reconnecting", "the loss");
  // Nine jumps are more epochs than a session remembers.
  for (let jump = 1; jump <= 9; jump++) await cluster.http.control(viewer.session.id, "seek", { seq: 100 * jump });
  proxy.resume();
  await viewer.until(() => viewer.histories.length === 2, "another history");
  expect(viewer.histories.map(({ complete }) => complete)).toEqual([true, false]);
  await viewer.next(20);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  viewer.session.close();
  await proxy.close();
});

test("[CL3] missed jumps are delivered in order, epoch by epoch", async ({ cluster }) => {
  const [first = ""] = gatewaysOf(cluster);
  const truth = await cluster.recording("usdm");
  const proxy = await SilentProxy.inFrontOf(first);
  const client = clientAt(cluster.url, { gateways: proxy.url, timing: { ...fastTiming, silenceMs: 400 } });
  const viewer = await SdkViewer.open(client, { tape: "usdm", maxFps: 0 });
  await viewer.session.start();
  await viewer.next(5);
  const stays = await cluster.watch(viewer.session.id, { gateways: gatewaysOf(cluster).slice(1) });
  proxy.goSilent();
  await viewer.until(() => viewer.session.connection === "reconnecting", "the loss");
  const epochs = new Set(viewer.frames.map(({ epoch }) => epoch));
  for (const seq of [900, 300, 600]) {
    epochs.add((await cluster.http.control(viewer.session.id, "seek", { seq })).epoch);
    await stays.untilSession(({ controller_state }) => controller_state.cursor_seq !== null, "the jump");
    await stays.next(3);
  }
  proxy.resume();
  await viewer.until(() => viewer.frames.at(-1)?.epoch === Math.max(...epochs), "the newest epoch");
  await viewer.next(10);
  expect(new Set(viewer.frames.map(({ epoch }) => epoch))).toEqual(epochs);
  expectWholeRun(viewer, truth);
  viewer.session.close();
  await proxy.close();
});
