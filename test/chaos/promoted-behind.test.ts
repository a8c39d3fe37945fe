import { expect, test } from "vitest";
import { TestCluster } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import "../support/expect.js";
import { SentinelRedis } from "../support/sentinel.js";

test("[F33] a replica without the newest changes is promoted: viewers of each change that is undone are told, and nothing is repeated", async () => {
  const redis = await SentinelRedis.start();
  const cluster = await TestCluster.start({ apis: 1, redisUrl: redis.url });
  try {
    const sessions = await Promise.all(Array.from({ length: 4 }, () => cluster.watched({ max_fps: 0 })));
    const viewers = sessions.flatMap((session) => session.viewers);
    await Promise.all(viewers.map((viewer) => viewer.next(8)));

    await redis.cutReplicaOff();
    const [sought, slowed, paused, untouched] = sessions;
    if (!sought || !slowed || !paused || !untouched) throw new Error("no sessions");
    await cluster.http.control(sought.id, "seek", { seq: 300 });
    await cluster.http.control(slowed.id, "speed/0.5");
    await cluster.http.control(paused.id, "pause");
    for (const viewer of slowed.viewers) await viewer.untilSession(({ speed }) => speed === 0.5, "the speed");
    for (const viewer of paused.viewers) await viewer.untilSession(({ state }) => state === "PAUSED", "the pause");
    for (const viewer of sought.viewers) await viewer.until(() => viewer.lastSeq >= 300, "the frame that was sought");

    redis.killMaster();
    const at = await redis.replaced();
    const recoveries = [sought, slowed, paused].flatMap((session) => session.viewers);
    for (const viewer of recoveries) {
      const told = () => viewer.messagesOf("state").some(({ cause }) => cause === "recover");
      await viewer.until(told, "the news that a change was undone", 30_000);
    }
    const after = recoveries.map(
      (viewer) => (viewer.messagesOf("state").find(({ cause }) => cause === "recover")?.at ?? 0) - at,
    );
    cluster.note(`a replica without the newest changes is promoted: viewers are told after ms ${distribution(after)}`);
    for (const viewer of viewers) {
      await viewer.next(10, 30_000); // also the paused session plays: its pause was undone
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(await cluster.recording("usdm"));
      expect(viewer.closes).toEqual([]);
    }
    for (const { id, viewers: watching } of sessions) {
      const { state, speed, epoch } = await cluster.http.session(id);
      expect([state, speed]).toEqual(["PLAYING", 1]);
      for (const viewer of watching) {
        expect([viewer.session?.state, viewer.session?.speed, viewer.session?.epoch]).toEqual([state, speed, epoch]);
      }
    }
    await cluster.end(...sessions);
  } finally {
    await cluster.stop();
    await redis.stop();
  }
});
