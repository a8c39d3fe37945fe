import { expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import { breakIn } from "../support/expect.js";
import { now } from "../support/viewer.js";
import { receivedFramesOf, untilAllPlayOn, type WatchedSession, watchSessions } from "../support/watched-sessions.js";

const users = 20;
const rounds = 3;
/** The market's own time from frame to frame. */
const frameMs = 100;
/** What a viewer may notice of a feed that shuts down, and how much more on a machine with other work. */
const stillMs = 150;
const roomMs = 1_500;

const test = testOnCluster(() => ({ gateways: 2, tickers: 1, feeds: 2, env: { feed: { FRAME_MS: String(frameMs) } } }));

/** The feed that records the instrument. */
async function recording(cluster: TestCluster) {
  const node = await cluster.redis.hget(cluster.keys.liveTape("SIM", "SIMUSD"), "node");
  const service = cluster.feeds.find(({ name }) => node?.startsWith(`${name}-`));
  if (service === undefined) throw new Error(`no feed records it; the hash names ${node}`);
  return service;
}

/** The longest time between two messages with frames since a moment, in ms, beyond the market's own interval. */
function stillness({ viewer }: WatchedSession, since: number): number {
  const times = viewer.frames.map(({ at }) => at);
  const waits = times.slice(1).map((at, n) => (at < since ? 0 : at - (times[n] ?? at)));
  return Math.max(0, Math.max(...waits) - frameMs);
}

test("[F95] [FD18] [FD31] a feed shuts down: viewers at the edge of its simulated market hardly notice, and its tape has no gap", async ({
  cluster,
}) => {
  const sessions = await watchSessions(
    cluster,
    Array.from({ length: users }, () => ({ mode: "LIVE", speed: 1, body: { source: "SIM", symbol: "SIMUSD" } })),
  );
  const waits: number[] = [];
  const quiet: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = now();
    await untilAllPlayOn(sessions, before + 3_000);
    quiet.push(...sessions.map((session) => stillness(session, before)));
    const victim = await recording(cluster);
    const fault = now();
    const gone = cluster.ended(victim);
    cluster.signal(victim, "SIGTERM");
    await gone;
    await untilAllPlayOn(sessions, now() + 1_000);
    waits.push(...sessions.map((session) => stillness(session, fault)));
    expect((await recording(cluster)).name).not.toBe(victim.name);
    await cluster.untilAllReady();
  }
  cluster.note(
    `chaos SIGTERM feed: stillness ${distribution(waits)} ms of ${users} viewers at the edge, ${rounds} times`,
  );
  cluster.note(`chaos SIGTERM feed: without a fault ${distribution(quiet)} ms`);
  for (const { id, frames, truth } of await receivedFramesOf(cluster, sessions)) {
    expect(breakIn(frames), `${id} misses, repeats or reorders`).toBeUndefined();
    expect(frames.map((frame) => truth.flaw(frame)).find((flaw) => flaw !== undefined)).toBeUndefined();
    expect(frames.flatMap(({ json }) => JSON.parse(json).gap_before_ms ?? [])).toEqual([]);
  }
  const p99 = waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? 0;
  expect(p99).toBeLessThan(stillMs + roomMs + Math.max(...quiet));
});
