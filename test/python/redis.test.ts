import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import "../support/expect.js";
import { havePython, pythonTestOnCluster } from "./python-test.js";
import { fastTiming, type PythonViewer, type PythonViewers } from "./python-viewers.js";

/** One service of each kind: all of them lose Redis at once. */
const one = { apis: 1, gateways: 1, tickers: 1 };

async function playing(cluster: TestCluster, viewers: PythonViewers): Promise<PythonViewer> {
  const viewer = await viewers.open({ url: cluster.url, timing: fastTiming, options: { tape: "usdm" } });
  await viewer.command("start");
  await viewer.next(20);
  return viewer;
}

/** Stops Redis until commands are refused, then starts it again. */
async function withoutRedis(cluster: TestCluster, viewers: PythonViewers, viewer: PythonViewer): Promise<void> {
  await cluster.ownRedis?.stop();
  await expect(viewer.command("speed", { value: 2 })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(viewers.open({ url: cluster.url })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(viewer.connections).toEqual([]);
  await cluster.ownRedis?.start();
}

pythonTestOnCluster(() => ({ ...one, ownRedis: "keeps its data" })).skipIf(!havePython)(
  "[CL34] in Python: when Redis restarts, the connection stays, commands are refused meanwhile, and the session continues without a gap",
  async ({ cluster, viewers }) => {
    const truth = await cluster.recording("usdm");
    const viewer = await playing(cluster, viewers);
    await withoutRedis(cluster, viewers, viewer);
    await viewer.next(40, 40_000);
    expect(viewer.connections).toEqual([]);
    expect(viewer.histories).toHaveLength(1);
    expect(viewer.frames).toHaveConsecutiveSeqs();
    expect(viewer.frames).toBeOfTape(truth);
  },
);

pythonTestOnCluster(() => ({ ...one, ownRedis: "forgets" })).skipIf(!havePython)(
  "[CL34] in Python: when Redis restarts without its data, the session ends",
  async ({ cluster, viewers }) => {
    const viewer = await playing(cluster, viewers);
    await withoutRedis(cluster, viewers, viewer);
    await viewer.until(() => viewer.end !== undefined, "the end", 40_000);
    expect(viewer.end).toEqual({ reason: "expired", error: null });
    expect(viewer.frames).toHaveConsecutiveSeqs();
  },
);
