import { describe, expect, test } from "vitest";
import { TestCluster } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import type { Viewer } from "../support/viewer.js";
import "../support/expect.js";
import { SentinelRedis } from "../support/sentinel.js";

describe("a Redis master that dies under Sentinel", () => {
  test("[F8] sessions continue on the replica within seconds; no socket closes and no frame is lost, repeated or reordered", async () => {
    const redis = await SentinelRedis.start();
    const cluster = await TestCluster.start({ redisUrl: redis.url });
    try {
      await failOver(redis, cluster);
    } finally {
      await cluster.stop();
      await redis.stop();
    }
  });
});

async function failOver(redis: SentinelRedis, cluster: TestCluster): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: 10 }, () => cluster.watched({ max_fps: 0 })));
  const viewers = sessions.flatMap((session) => session.viewers);
  await Promise.all(viewers.map((viewer) => viewer.next(8)));
  const pids = () => [...cluster.gateways, ...cluster.apis, ...cluster.tickers].map(({ pid }) => pid);
  const before = pids();

  const died = Date.now();
  redis.killMaster();
  for (const viewer of viewers) {
    await viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) > died + 8_000, "frames after the failover", 60_000);
    expect(viewer.closed).toBeUndefined();
    expect(viewer.frames).toHaveConsecutiveSeqs();
    expect(viewer.frames).toBeOfTape(await cluster.recording("usdm"));
  }
  cluster.note(
    `Sentinel failover: longest wait ms ${distribution(viewers.map((viewer) => longestWait(viewer, died)))}`,
  );
  expect(pids()).toEqual(before);
  const create = async () => (await cluster.http.call("POST", "/sessions/create", {})).status === 200;
  await cluster.until(async () => (await create()) && (await create()), "both apis to serve again", 20_000);
  await cluster.end(...sessions);
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
