import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { NotInTime, Turns } from "./turns.js";

test("[TP71] so much is done at a time, in the order in which it was asked for", async () => {
  const turns = new Turns(2, 5_000);
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
  const done = await Promise.allSettled(Array.from({ length: 20 }, (_, nth) => turns.take(work(nth))));
  expect(begun).toEqual(Array.from({ length: 20 }, (_, nth) => nth));
  expect(most).toBe(2);
  expect(done.filter(({ status }) => status === "rejected")).toHaveLength(1);
});

test("[TP71] what hangs is given up, keeps its place, and lets go of it when it ends", async () => {
  const turns = new Turns(1, 50);
  let end = (): void => {};
  const hangs = turns.take(() => new Promise<void>((resolve) => (end = resolve)));
  let begun = false;
  const waits = turns.take(async () => {
    begun = true;
  });
  await expect(hangs).rejects.toThrow(NotInTime);
  await expect(waits).rejects.toThrow(NotInTime);
  const later = turns.take(async () => "done");
  end();
  expect(await later).toBe("done");
  expect(begun).toBe(false);
});

test("[TP71] what waits for many that are done one after the other is not given up", async () => {
  const turns = new Turns(1, 600);
  const done = await Promise.all(Array.from({ length: 20 }, (_, nth) => turns.take(() => delay(50, nth))));
  expect(done).toHaveLength(20);
});

test("[TP71] a process that was held up gives nothing up for that", async () => {
  const turns = new Turns(1, 90);
  const answer = turns.take(() => delay(20, "done"));
  const until = performance.now() + 200;
  while (performance.now() < until); // as a process that was stopped
  expect(await answer).toBe("done");
});
