import { afterAll, beforeAll, expect } from "vitest";
import { type TestCluster, testOnCluster, type Watched } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import "../support/expect.js";
import { RedisClusterServers } from "../support/redis-cluster.js";
import type { Viewer } from "../support/viewer.js";

/** Longer than a failover takes: nothing renews the sessions of a master that is away. */
const ttlSeconds = 15;
let redis: RedisClusterServers;
beforeAll(async () => {
  redis = await RedisClusterServers.start({ masters: 3, replicas: 1 });
});
afterAll(() => redis.stop());

const test = testOnCluster(() => ({
  redisUrl: redis.url,
  feeds: 1,
  env: { all: { SESSION_TTL_S: `${ttlSeconds}` } },
}));

/** A playing session on each of the masters, with a socket on each gateway. */
async function onEachMaster(cluster: TestCluster, name: string): Promise<Watched[]> {
  const sessions: Watched[] = [];
  for (let n = 0; sessions.length < 3; n++) {
    const id = `${name}-${n}`;
    if ((await redis.masterOf(cluster.keys.session(id))) !== sessions.length) continue;
    sessions.push(await cluster.watched({ session_id: id, max_fps: 0 }));
  }
  return sessions;
}

const inEpoch = (viewer: Viewer, epoch: number) => viewer.frames.filter((frame) => frame.epoch === epoch);

test("[RC1] [RC2] sessions are spread over all masters, and clients of all gateways play and control them", async ({
  cluster,
}) => {
  const sessions = await onEachMaster(cluster, "played");
  for (const { id, viewers, truth } of sessions) {
    await Promise.all(viewers.map((viewer) => viewer.next(10)));
    await cluster.http.control(id, "speed/3");
    await viewers[0]?.command("pause");
    for (const viewer of viewers) await viewer.untilSession(({ state }) => state === "PAUSED", "pause");
    const { epoch } = await cluster.http.control(id, "seek", { seq: 300 });
    for (const viewer of viewers) {
      await viewer.until(() => inEpoch(viewer, epoch).length === 1, "the frame that was sought");
      expect(inEpoch(viewer, epoch)).toHaveSeqs([300]);
    }
    await cluster.http.control(id, "resume");
    for (const viewer of viewers) {
      await viewer.next(10);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
    }
  }
  const [first, second] = sessions[0]?.viewers ?? [];
  expect(first?.frames.map(({ json }) => json).slice(0, 15)).toEqual(
    second?.frames.map(({ json }) => json).slice(0, 15),
  );
  const listed = await cluster.http.get("/sessions?state=PLAYING");
  for (const { id } of sessions) expect(JSON.stringify(listed.body)).toContain(id);
  expect(await cluster.http.get("/health")).toMatchObject({ body: { status: "healthy" } });

  const [deleted, ...others] = sessions;
  if (deleted === undefined) throw new Error("no session");
  await cluster.http.delete(deleted.id);
  for (const viewer of deleted.viewers) {
    await viewer.until(() => viewer.closed?.code === 4404, "the close");
  }
  await cluster.until(async () => (await cluster.keysOf(deleted.id)).length === 0, "the keys of the deleted to go");
  for (const { viewers } of others) for (const viewer of viewers) await viewer.next(2);
  await cluster.end(...others);
});

test("[RC3] all three modes work as on one Redis, and an unused session expires", async ({ cluster }) => {
  const { session_id: abandoned } = await cluster.http.create({ tape: "usdm" });
  expect((await cluster.keysOf(abandoned)).length).toBeGreaterThan(0);
  const { session_id: id } = await cluster.http.create({ mode: "LIVE", source: "SIM", symbol: "BTCUSDT", max_fps: 0 });
  const viewers = await Promise.all(cluster.gateways.map(() => cluster.watch(id)));
  const { session_id: simulated } = await cluster.http.create({ mode: "SIMULATION", seed: 7, max_fps: 0 });
  const market = await cluster.watch(simulated);
  for (const viewer of viewers) await viewer.next(10, 30_000);
  expect(await cluster.record(id)).toMatchObject({ edge: true, ticker: "" });

  await viewers[0]?.command("pause");
  for (const viewer of viewers) await viewer.untilSession(({ state }) => state === "PAUSED", "pause");
  await viewers[0]?.command("resume");
  await viewers[0]?.command("goback", { seconds: 1 });
  await viewers[0]?.command("speed", { value: 0.5 });
  for (const viewer of viewers) await viewer.next(10);
  expect(await cluster.record(id)).toMatchObject({ edge: false, ticker: expect.stringContaining("ticker-") });
  await viewers[1]?.command("live");
  await cluster.until(async () => (await cluster.record(id)).edge, "the edge");
  for (const viewer of viewers) {
    await viewer.next(10);
    expect(viewer.frames).toHaveConsecutiveSeqs();
  }
  await market.next(10);
  expect(market.frames).toHaveConsecutiveSeqs();
  await cluster.end({ id, viewers }, { id: simulated, viewers: [market] });
  await cluster.until(async () => (await cluster.keysOf(abandoned)).length === 0, "its keys to go", 20_000);
  await cluster.until(async () => !(await cluster.indexed(abandoned)), "the index to forget it", 20_000);
});

test("[RC4] when a master dies, sessions of the other masters continue, its own continue on the replica, and no socket closes", async ({
  cluster,
}) => {
  const sessions = await onEachMaster(cluster, "bereft");
  const viewers = sessions.flatMap((session) => session.viewers);
  await Promise.all(viewers.map((viewer) => viewer.next(8)));
  const claims = await Promise.all(sessions.slice(1).map(({ id }) => claimOf(cluster, id)));
  const died = Date.now();
  redis.kill(0);
  for (const { viewers: watching, truth } of sessions) {
    for (const viewer of watching) {
      await viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) > died + 8_000, "frames after the failover", 40_000);
      expect(viewer.closed).toBeUndefined();
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
    }
  }
  for (const [nth, { id }] of sessions.entries()) {
    cluster.note(
      `a master of a Redis Cluster dies: longest wait of the session of master ${nth} in ms: ` +
        distribution(viewersOf(sessions, id).map((viewer) => longestWait(viewer, died))),
    );
  }
  // The other masters' sessions did not change tickers: their leases are on their own masters.
  expect(await Promise.all(sessions.slice(1).map(({ id }) => claimOf(cluster, id)))).toEqual(claims);
  // Commands work on the dead master's sessions too, and clients see the changes.
  for (const { id, viewers: watching } of sessions) {
    await cluster.until(async () => (await cluster.http.call("POST", `/replay/pause/${id}`)).status === 200, "a pause");
    for (const viewer of watching) await viewer.untilSession(({ state }) => state === "PAUSED", "pause");
  }
  const create = async () => (await cluster.http.call("POST", "/sessions/create", {})).status === 200;
  await cluster.until(async () => (await create()) && (await create()), "both apis to make sessions", 20_000);
  await cluster.end(...sessions);
});

/** By whom a session is rendered, and since which revision. */
async function claimOf(cluster: TestCluster, id: string): Promise<unknown> {
  const { ticker, rev } = await cluster.record(id);
  return { ticker, rev };
}

function viewersOf(sessions: readonly Watched[], id: string): readonly Viewer[] {
  return sessions.find((session) => session.id === id)?.viewers ?? [];
}

/** The longest time between two frames, in ms of wall time, since a moment. */
function longestWait({ frames }: Viewer, since: number): number {
  let longest = 0;
  for (const [index, { at }] of frames.entries()) {
    const before = frames[index - 1];
    if (before !== undefined && at > since) longest = Math.max(longest, at - before.at);
  }
  return longest;
}
