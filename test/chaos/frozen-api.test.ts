import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import { now } from "../support/viewer.js";

/** What a freeze may delay a request by, and how much more on a machine with other work. */
const delayedMs = 1_250;
const roomMs = 3_000;

const test = testOnCluster(() => ({ gateways: 1, apis: 2, tickers: 1 }));

test("[F94] [U45] an api freezes behind the balancer: no GET fails, each waits for little more than a second at most, and no viewer notices", async ({
  cluster,
}) => {
  const { id, viewers } = await cluster.watched({ speed: 2 });
  const [viewer] = viewers;
  const [frozen] = cluster.apis;
  if (viewer === undefined || frozen === undefined) throw new Error("a viewer and two apis were asked for");
  const answered: { status: number; ms: number; at: number }[] = [];
  const reads = async (until: () => boolean) => {
    while (!until()) {
      const at = now();
      const { status } = await cluster.balanced.call("GET", `/sessions/${id}`);
      answered.push({ status, ms: now() - at, at });
      await sleep(20);
    }
  };

  let over = false;
  const reading = Array.from({ length: 8 }, () => reads(() => over));
  await cluster.until(() => answered.length > 50, "answers of both apis");
  const fault = now();
  cluster.signal(frozen, "SIGSTOP");
  try {
    await cluster.until(() => answered.filter(({ at }) => at > fault + delayedMs).length > 100, "requests after it");
    await viewer.next(5);
  } finally {
    cluster.signal(frozen, "SIGCONT");
    over = true;
    await Promise.all(reading);
  }

  const during = answered.filter(({ at, ms }) => at + ms > fault).map(({ ms }) => ms);
  cluster.note(`chaos SIGSTOP api: GETs ${distribution(during)} ms of ${during.length}`);
  expect(answered.filter(({ status }) => status !== 200)).toEqual([]);
  // Some waited for the frozen one: without a repetition they would have failed.
  expect(Math.max(...during)).toBeGreaterThan(500);
  expect(Math.max(...during)).toBeLessThan(delayedMs + roomMs);
  expect(viewer.closes).toEqual([]);
});
