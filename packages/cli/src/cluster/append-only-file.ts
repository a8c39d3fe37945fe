import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { UserError } from "../user-error.js";

const betweenLooksMs = 20;
/** The first append-only file is a copy of the whole database. */
const copyBudgetMs = 60_000;

/**
 * Whether Redis has an append-only file in this folder: one file up to Redis 6, which creates it empty and fills it by renaming;
 * since Redis 7 a folder, whose manifest appears when the first file in it is whole.
 */
export async function hasAppendOnlyFile(folder: string): Promise<boolean> {
  const sizes = await Promise.all(
    ["appendonly.aof", "appendonlydir/appendonly.aof.manifest"].map(async (name) => {
      const file = await stat(join(folder, name)).catch(() => undefined); // absent
      return file?.size ?? 0;
    }),
  );
  return sizes.some((size) => size > 0);
}

/**
 * Lets a running Redis write what it holds to an append-only file, and everything from then on. A Redis that is started with
 * `appendonly yes` beside a `dump.rdb` alone would not read that dump, and begin empty.
 */
export async function enableAppendOnlyFile(url: string, folder: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: null }); // a busy machine may be slow; if Redis dies, so does this process
  try {
    await redis.config("SET", "appendonly", "yes");
  } finally {
    redis.disconnect();
  }
  await until(() => hasAppendOnlyFile(folder), copyBudgetMs, `Redis did not write its append-only file to ${folder}.`);
}

/** @throws Problem with `sentence` when it takes longer */
export async function until(holds: () => Promise<boolean>, budgetMs: number, sentence: string): Promise<void> {
  const deadline = performance.now() + budgetMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new UserError(sentence);
    await sleep(betweenLooksMs);
  }
}
