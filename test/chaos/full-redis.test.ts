import { expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import "../support/expect.js";
import { now, type Viewer } from "../support/viewer.js";

/** Longer than a lock lives, and than it takes others to notice that. */
const fullMs = 6_000;
/** Room for a machine with other work; the figure is noted. */
const goesOnWithinMs = 3_000;

const test = testOnCluster(() => ({ ownRedis: "forgets", restart: false }));

test("[F36] a ticker dies while Redis is out of memory: gateways play its sessions on, and another ticker takes them when there is memory again", async ({
  cluster,
}) => {
  const sessions = await Promise.all(Array.from({ length: 6 }, () => cluster.watched({ max_fps: 0 })));
  const viewers = sessions.flatMap((session) => session.viewers);
  await Promise.all(viewers.map((viewer) => viewer.next(8)));
  const [victim, other] = cluster.tickers;
  if (victim === undefined || other === undefined) throw new Error("no tickers");
  await cluster.redis.config("SET", "maxmemory", "1mb");
  const began = now();
  cluster.signal(victim, "SIGKILL");
  await cluster.until(() => now() > began + fullMs, "some time to pass");
  const waits = viewers.map((viewer) => longestWait(viewer, began));
  cluster.note(`a ticker dies while Redis is full: longest wait ms ${distribution(waits)}`);
  expect(Math.max(...waits)).toBeLessThan(goesOnWithinMs);
  await cluster.redis.config("SET", "maxmemory", "0");
  const back = now();
  const claims = async () => Promise.all(sessions.map(async ({ id }) => (await cluster.record(id)).ticker));
  await cluster.until(async () => new Set(await claims()).size === 1, "one ticker to have all sessions", 20_000);
  cluster.note(
    `a ticker dies while Redis is full: leases have changed hands ${Math.round(now() - back)} ms after there is memory`,
  );
  for (const { viewers: watching, truth } of sessions) {
    for (const viewer of watching) {
      await viewer.next(10);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
      expect(viewer.closes).toEqual([]);
    }
  }
  await cluster.end(...sessions);
});

function longestWait({ frames }: Viewer, since: number): number {
  let longest = 0;
  for (const [index, { at }] of frames.entries()) {
    const before = frames[index - 1];
    if (before !== undefined && at > since) longest = Math.max(longest, at - before.at);
  }
  return longest;
}
