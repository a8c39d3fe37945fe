import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { ConcurrencyLimiter, TimeoutError } from "./concurrency-limiter.js";

test("[TP71] so many tasks run at a time, in the order in which they came", async () => {
  const limiter = new ConcurrencyLimiter(2, 5_000);
  let underWay = 0;
  let most = 0;
  const begun: number[] = [];
  const work = (nth: number) => async () => {
    begun.push(nth);
    most = Math.max(most, ++underWay);
    await delay(nth % 3);
    underWay--;
    if (nth === 4) throw new Error("fails");
    return nth;
  };
  const done = await Promise.allSettled(Array.from({ length: 20 }, (_, nth) => limiter.run(work(nth))));
  expect(begun).toEqual(Array.from({ length: 20 }, (_, nth) => nth));
  expect(most).toBe(2);
  expect(done.filter(({ status }) => status === "rejected")).toHaveLength(1);
});

test("[TP71] a hanging task times out, and keeps its slot until it ends", async () => {
  const limiter = new ConcurrencyLimiter(1, 50);
  let end = (): void => {};
  const hangs = limiter.run(() => new Promise<void>((resolve) => (end = resolve)));
  let begun = false;
  const waits = limiter.run(async () => {
    begun = true;
  });
  await expect(hangs).rejects.toThrow(TimeoutError);
  await expect(waits).rejects.toThrow(TimeoutError);
  const later = limiter.run(async () => "done");
  end();
  expect(await later).toBe("done");
  expect(begun).toBe(false);
});

test("[TP71] a task that waits while others finish does not time out", async () => {
  const limiter = new ConcurrencyLimiter(1, 600);
  const done = await Promise.all(Array.from({ length: 20 }, (_, nth) => limiter.run(() => delay(50, nth))));
  expect(done).toHaveLength(20);
});

test("[TP71] a process that was held up times out no task for that", async () => {
  const limiter = new ConcurrencyLimiter(1, 90);
  const answer = limiter.run(() => delay(20, "done"));
  const until = performance.now() + 200;
  while (performance.now() < until); // as a process that was stopped
  expect(await answer).toBe("done");
});
