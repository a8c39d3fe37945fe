import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { UserError } from "../user-error.js";

const pollMs = 20;
/** The first append-only file is a copy of the whole database. */
const copyBudgetMs = 60_000;

/**
 * Whether Redis has an append-only file in this folder. Up to Redis 6 it is one file, which is created empty and filled by renaming; since
 * Redis 7 it is a folder, whose manifest appears when its first file is complete.
 */
export async function hasAppendOnlyFile(folder: string): Promise<boolean> {
  const sizes = await Promise.all(
    ["appendonly.aof", "appendonlydir/appendonly.aof.manifest"].map(async (name) => {
      const file = await stat(join(folder, name)).catch(() => undefined); // it does not exist
      return file?.size ?? 0;
    }),
  );
  return sizes.some((size) => size > 0);
}

/**
 * Makes a running Redis write its data to an append-only file, and every write from then on. A Redis that was started with `appendonly yes`
 * and only a `dump.rdb` would ignore the dump and start empty.
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

/** @throws UserError with `message` when it takes longer */
export async function until(condition: () => Promise<boolean>, budgetMs: number, message: string): Promise<void> {
  const deadline = performance.now() + budgetMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new UserError(message);
    await sleep(pollMs);
  }
}
