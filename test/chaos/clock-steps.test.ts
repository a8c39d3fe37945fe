import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { TestCluster } from "../support/cluster.js";
import { describe as distribution } from "../support/distribution.js";
import "../support/expect.js";
import { startRedisServer } from "../support/redis-server.js";
import { now, type Viewer } from "../support/viewer.js";

/** Room for a machine with other work; the figure is noted. */
const goesOnWithinMs = 5_000;

const folder = mkdtempSync(join(tmpdir(), "tapedeck-clock-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
const library = join(folder, "stepping-clock.so");
const source = fileURLToPath(new URL("../support/stepping-clock.c", import.meta.url));
/** A machine without a C compiler has no way to set a server's clock apart from its own. */
const compiled = spawnSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, source]).status === 0;

test.skipIf(!compiled)(
  "[F34] Redis's clock steps forward and back by seconds: sessions play on from where they are; nothing is lost or repeated",
  async () => {
    const offset = join(folder, "offset");
    await writeFile(offset, Buffer.alloc(8));
    const setClock = async (seconds: number): Promise<void> => {
      const file = await open(offset, "r+");
      const microseconds = Buffer.alloc(8);
      microseconds.writeBigInt64LE(BigInt(seconds) * 1_000_000n);
      await file.write(microseconds, 0, 8, 0);
      await file.close();
    };
    const settings = [`LD_PRELOAD=${library}`, `STEPPING_CLOCK=${offset}`];
    const redis = await startRedisServer([], undefined, ["env", ...settings, "redis-server"]);
    const cluster = await TestCluster.start({ apis: 1, redisUrl: redis.url });
    try {
      const sessions = await Promise.all(Array.from({ length: 6 }, () => cluster.watched({ max_fps: 0 })));
      const viewers = sessions.flatMap((session) => session.viewers);
      await Promise.all(viewers.map((viewer) => viewer.next(8)));
      for (const seconds of [30, -30]) {
        const began = now();
        await setClock(seconds > 0 ? 30 : 0);
        await cluster.until(() => now() > began + 8_000, "some time to pass");
        const waits = viewers.map((viewer) => longestWait(viewer, began));
        cluster.note(`Redis's clock steps by ${seconds} s: longest wait ms ${distribution(waits)}`);
        expect(Math.max(...waits)).toBeLessThan(goesOnWithinMs);
        for (const viewer of viewers) {
          await viewer.next(5);
          expect(viewer.frames).toHaveConsecutiveSeqs();
          expect(viewer.frames).toBeOfTape(await cluster.recording("usdm"));
          expect(viewer.closes).toEqual([]);
          // Thirty seconds of the tape that came at once, or not at all, would be a jump.
          const inTime = viewer.frames.filter(({ at, from }) => at >= began && from === "live").length;
          expect(inTime).toBeLessThan(20 * ((now() - began) / 1000));
        }
      }
      await cluster.end(...sessions);
    } finally {
      await cluster.stop();
      await redis.stop();
    }
  },
);

function longestWait({ frames }: Viewer, since: number): number {
  let longest = 0;
  for (const [index, { at }] of frames.entries()) {
    const before = frames[index - 1];
    if (before !== undefined && at > since) longest = Math.max(longest, at - before.at);
  }
  return longest;
}
