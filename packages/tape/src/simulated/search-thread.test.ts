import { readdirSync, readFileSync } from "node:fs";
import { analyticsVersion } from "@tapedeck/market";
import { afterEach, expect, test } from "vitest";
import { eventsIn } from "./generate-segment.js";
import { SearchThread } from "./search-thread.js";
import { parseSimulatedName, type SimulatedName } from "./simulated-name.js";
import { generateLevels, generateOrders } from "./track/generate-track.js";

const name = named(`sim2.BTCUSDT.42.mixed@${analyticsVersion}`);
const segments = Array.from({ length: 5_000 }, (_, at) => at);
const threads: SearchThread[] = [];
afterEach(() => Promise.all(threads.splice(0).map((thread) => thread.close())));

function named(text: string): SimulatedName {
  const parsed = parseSimulatedName(text);
  if (parsed === undefined) throw new Error(`${text} names no simulated tape`);
  return parsed;
}

function start(): SearchThread {
  const thread = new SearchThread();
  threads.push(thread);
  return thread;
}

/** The nice values of this process's threads: 0 but for those that step back. */
function niceValues(): number[] {
  return readdirSync("/proc/self/task").flatMap((id) => {
    try {
      const stat = readFileSync(`/proc/self/task/${id}/stat`, "latin1");
      return [Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16])];
    } catch {
      return []; // it has ended
    }
  });
}

test("[SM35] a search finds the events that the frames have, in a thread that the system runs after all others", async () => {
  const before = niceValues().filter((nice) => nice > 0).length;
  const search = start();
  expect(await search.events({ name, segment: 1 })).toEqual(eventsIn(name, 1));
  if (process.platform === "linux") expect(niceValues().filter((nice) => nice > 0).length).toBeGreaterThan(before);
});

test("[ET64] event tracks are made in that thread, too, and are the same as here", async () => {
  const search = start();
  expect(await search.levels({ name, segment: 3 })).toEqual(generateLevels(name, 3));
  expect(await search.orders({ name, segment: 3 })).toEqual(generateOrders(name, 3));
});

test("[SM40] so are the tracks of blocks, one after the other from a checkpoint", async () => {
  const search = start();
  const order = { id: "a", seq: 1_850, side: "BUY", quantity: 2, filled: 2, settled: true } as const;
  for (const block of [0, 1, 0]) {
    const { levels } = await search.track({ name, segment: 3, block, orders: [order] });
    const whole = generateLevels(name, 3, { orders: [order] });
    const last = 1_800 + 60 * block + 59;
    expect([levels.book.seq[0], levels.book.seq.at(-1)]).toEqual([last - 59, last]);
    expect(levels.book.price.at(-1)).toBe(whole.book.price[whole.book.seq.lastIndexOf(last)]);
    expect(levels.opening.price.length).toBeGreaterThan(20);
  }
});

test("[SM35] searches take turns, a segment at a time", async () => {
  const search = start();
  const done: string[] = [];
  const searching = async (who: string, from: number) => {
    for (let segment = from; segment < from + 3; segment++) {
      await search.events({ name, segment });
      done.push(who);
    }
  };
  await Promise.all([searching("ada", 0), searching("bob", 100)]);
  expect(done).toEqual(["ada", "bob", "ada", "bob", "ada", "bob"]);
});

test("[SM36] a cancelled search ends, started or not, and the next one runs", async () => {
  const search = start();
  await search.events({ name, segment: 0 });
  const gone = new AbortController();
  const abandoned = [
    search.prices({ name, segments: Array.from({ length: 500 }, () => segments).flat() }, gone.signal), // a minute and more
    search.prices({ name, segments }, gone.signal),
  ];
  const stays = search.events({ name, segment: 1 });
  gone.abort(new Error("left"));
  for (const each of abandoned) await expect(each).rejects.toThrow("left");
  expect(await stays).toEqual(eventsIn(name, 1));
  await expect(search.events({ name, segment: 2 }, gone.signal)).rejects.toThrow("left");
});

test("[SM25] a thread that has ended is started again for the next search", async () => {
  const search = start();
  await search.events({ name, segment: 0 });
  const lost = search.prices({ name, segments: Array.from({ length: 500 }, () => segments).flat() });
  const rejected = expect(lost).rejects.toThrow("ended");
  await search.close();
  await rejected;
  expect(await search.prices({ name, segments: [0] })).toHaveLength(1);
});
