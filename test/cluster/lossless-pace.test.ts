import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Session } from "@tapedeck/client";
import type { Frame } from "@tapedeck/protocol";
import { expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { clientAt } from "../support/sdk-viewer.js";

const test = testOnCluster(() => ({ apis: 1, gateways: 3, tickers: 2 }));

/** The frames of a session as a program gets them, each once: handles each for `work` ms, in which others arrive. */
function collect(session: Session, work: () => Promise<unknown> | undefined = () => undefined): Frame[] {
  const frames: Frame[] = [];
  session.onHistory((history) => frames.push(...history.frames));
  session.onFrame((frame) => {
    frames.push(frame);
    return work();
  });
  return frames;
}

const hashOf = (frames: readonly Frame[]) =>
  createHash("sha256")
    .update(frames.map((frame) => JSON.stringify(frame)).join("\n"))
    .digest("hex");

test("[LP19] a slow reader gets every frame though gateways and a ticker are killed: the same ones as at 1x", async ({
  cluster,
}) => {
  await cluster.recording("usdm");
  const client = clientAt(cluster.url, { gateways: cluster.gateways.map(({ url }) => url) });
  const api = clientAt(cluster.url);
  const atOnce = await api.open({ tape: "usdm", maxFps: 0 });
  const live = collect(atOnce);
  await atOnce.start();

  const { session_id: id } = await cluster.http.create({ tape: "usdm", pace: "lossless", window: 8 });
  const session = await client.join(id, { acknowledge: true });
  const frames = collect(session, () => (Math.random() < 0.1 ? sleep(Math.random() * 20) : undefined));
  const [lags, connections]: [unknown[], unknown[]] = [[], []];
  session.onConnection(({ connection }) => connections.push(connection));
  session.onLag((lag) => lags.push(lag));
  const other = collect(await client.join(id, { acknowledge: true }));
  await session.start();
  for (const kind of ["gateway", "ticker", "gateway"] as const) {
    const before = frames.length;
    await cluster.until(() => frames.length > before + 100, "frames");
    const serving = (await api.nodes()).find(({ node }) => node === session.node)?.url;
    const victim = kind === "ticker" ? cluster.tickers[0] : cluster.gateways.find(({ url }) => url === serving);
    if (victim === undefined) throw new Error(`no ${kind}`);
    cluster.signal(victim, "SIGKILL");
    await cluster.untilAllReady();
  }
  await cluster.until(() => session.view.reason === "ended", "the end", 120_000);
  await cluster.until(() => other.length === frames.length, "the end at the other reader", 30_000);
  expect(frames.map(({ seq }) => seq)).toEqual(frames.map((_, nth) => nth));
  expect(frames.every(({ skipped }) => skipped === undefined)).toBe(true);
  expect(hashOf(other)).toBe(hashOf(frames));
  expect(lags).toEqual([]);
  expect(connections.filter((state) => state === "open").length).toBeGreaterThanOrEqual(2);
  await cluster.until(() => live.length > 100, "a hundred frames at 1x", 60_000);
  expect(hashOf(live.slice(0, 100))).toBe(hashOf(frames.slice(0, 100)));
  cluster.note(`lossless pace: ${frames.length} frames`);
  for (const each of [atOnce, session]) each.close();
});
