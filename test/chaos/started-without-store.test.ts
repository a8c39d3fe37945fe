import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { Bucket } from "../support/s3-server.js";
import { ServiceProcess } from "../support/service-process.js";

const kinds = ["api", "gateway", "ticker", "feed", "venue"] as const;
const soon = { timeout: 30_000, interval: 50 };

const started: ServiceProcess[] = [];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-store-"));
});
afterEach(() => Promise.all(started.splice(0).map((service) => service.stop())));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(env: NodeJS.ProcessEnv): Promise<readonly ServiceProcess[]> {
  const common = { REDIS_URL: inject("redisUrl"), TAPEDECK_PREFIX: `test-${process.pid}`, ...env };
  for (const kind of kinds) started.push(await ServiceProcess.start(kind, common));
  return started;
}

/** Each is unready, says why, and has said in its log what to do. */
async function expectWaiting(services: readonly ServiceProcess[], store: string, remedy: RegExp): Promise<void> {
  for (const service of services) {
    await vi.waitFor(async () => {
      const { status, issues } = await service.readiness();
      expect([service.kind, status]).toEqual([service.kind, 503]);
      expect(issues.join()).toMatch(/tapes: the tape store cannot be read/);
      const said = service.warnings.filter((line) => line.store === store);
      expect(said).toHaveLength(1);
      expect(said[0]?.msg).toMatch(remedy);
    }, soon);
  }
}

async function expectReady(services: readonly ServiceProcess[]): Promise<void> {
  for (const service of services) {
    await vi.waitFor(
      async () => expect([service.kind, await service.readiness()]).toMatchObject([service.kind, { status: 200 }]),
      soon,
    );
    expect(service.running).toBe(true);
  }
}

describe("processes that are started while the tape store is away", { timeout: 120_000 }, () => {
  test("[TP75] a folder that is missing: they say so, are unready, and become ready when it is there", async () => {
    const store = join(folder, "unmounted");
    const services = await start({ TAPEDECK_STORE: store });
    await expectWaiting(services, store, /waiting for the tape store: mount its volume/);
    await mkdir(store);
    await expectReady(services);
  });

  test("[TP75] a bucket whose server does not answer, or that does not exist", async () => {
    const bucket = await Bucket.open();
    const { TAPEDECK_STORE: store = "" } = bucket.env;
    await bucket.away();
    try {
      const services = await start(bucket.env);
      await expectWaiting(services, store, /waiting for the tape store: start its server/);
      await bucket.back();
      await expectReady(services);
      await Promise.all(started.splice(0).map((service) => service.stop()));

      const other = "s3://of-nobody/tapes";
      await expectWaiting(await start({ ...bucket.env, TAPEDECK_STORE: other }), other, /or make the bucket/);
    } finally {
      await Promise.all(started.splice(0).map((service) => service.stop()));
      await bucket.dispose();
    }
  });
});
