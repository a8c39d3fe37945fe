import { afterEach, describe, expect, inject, test } from "vitest";
import { Http } from "../support/http.js";
import { RedisClusterServers } from "../support/redis-cluster.js";
import { RetargetableProxy } from "../support/retargetable-proxy.js";
import { ServiceSet } from "../support/service-set.js";
import { Tapes } from "../support/tapes.js";
import { Viewer } from "../support/viewer.js";
import "../support/expect.js";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function serve(redisUrl: string): Promise<ServiceSet> {
  const tapes = new Tapes(inject("tapeStore"));
  await tapes.recorded("usdm");
  const services = await ServiceSet.start(redisUrl, tapes.folder);
  undo.push(() => services.stop());
  return services;
}

/** Creates a session through each api and plays it on a socket through the gateway. */
async function play(services: ServiceSet): Promise<Viewer[]> {
  const [gateway] = services.of("gateway");
  return Promise.all(
    services.of("api").map(async ({ url }) => {
      const http = new Http([url]);
      const { session_id: sessionId } = await http.create({ tape: "usdm" });
      const viewer = await Viewer.watch({ gateways: [gateway?.url ?? ""], sessionId, reconnect: true });
      undo.push(() => viewer.close());
      await http.control(sessionId, "start");
      await viewer.next(5, 30_000);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      return viewer;
    }),
  );
}

/** A busy machine may need a minute to start four services. */
const timeout = 300_000;

describe("a Redis Cluster that forms late or moves", { timeout }, () => {
  for (const settings of [[], ["--cluster-preferred-endpoint-type", "hostname"]]) {
    test(`[R25] services that start before the Redis Cluster has formed serve once it has${settings.length > 0 ? ", also by host names" : ""}`, async () => {
      const names = settings.length > 0 ? [...settings, "--cluster-announce-hostname", "localhost"] : [];
      const servers = await RedisClusterServers.startEmpty({ masters: 3, replicas: 3, settings: names });
      undo.push(() => servers.stop());
      const services = await serve(servers.url);
      const [api] = services.of("api");
      await expect
        .poll(async () => Promise.all(services.all.map((one) => one.live())), { timeout: 90_000 })
        .not.toContain(false);
      await services.until(503, 30_000);

      // Now masters have slots but do not know their own addresses yet.
      await servers.assignSlots();
      const asked = await servers.slotRequests();
      await expect.poll(() => servers.slotRequests(), { timeout: 30_000 }).toBeGreaterThan(asked + 10);
      const since = performance.now();
      const refused = await fetch(`${api?.url}/sessions/create`, { method: "POST" });
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await refused.json()).toMatchObject({ code: "UNAVAILABLE" });
      expect(performance.now() - since).toBeLessThan(6_000);
      for (const [, { status, issues }] of await services.readiness()) {
        expect([status, issues]).toEqual([
          503,
          expect.arrayContaining([expect.stringMatching(/^redis: .*incomplete/)]),
        ]);
      }

      await servers.form();
      const tookMs = await services.until(200, 60_000);
      console.log(`all services ready ${Math.round(tookMs)} ms after the Redis Cluster had formed`);
      await play(services);
      for (const { running, kind, warnings } of services.all) {
        expect([kind, running]).toEqual([kind, true]);
        expect(warnings.filter(({ cause }) => cause === "FORMING")).toHaveLength(1);
        expect(warnings.length, JSON.stringify(warnings)).toBeLessThan(6);
      }
    });
  }

  test("[R26] when all nodes move to other addresses, services find the Redis Cluster again by its configured names", async () => {
    const servers = await RedisClusterServers.start({ masters: 3, replicas: 3, settings: ["--appendonly", "yes"] });
    undo.push(() => servers.stop());
    const ways = await Promise.all([0, 1].map((nth) => RetargetableProxy.to(() => servers.ports[nth] ?? 0)));
    for (const way of ways) undo.push(() => way.close());
    const services = await serve(`redis+cluster://${ways.map(({ port }) => `127.0.0.1:${port}`).join(",")}`);
    await services.until(200, 90_000);
    const viewers = await play(services);

    await servers.moveAll();
    const moved = performance.now();
    const seen = viewers.map(({ frames }) => frames.length);
    for (const [nth, viewer] of viewers.entries()) {
      await viewer.until(() => viewer.frames.length > (seen[nth] ?? 0) + 10, "frames after the move", 12_000);
      expect(viewer.frames).toHaveConsecutiveSeqs();
    }
    console.log(`frames arrive again ${Math.round(performance.now() - moved)} ms after the Redis Cluster had moved`);
    await expect
      .poll(async () => (await services.readiness()).map(([, { status, issues }]) => [status, ...issues]), {
        timeout: 30_000,
      })
      .toEqual(services.all.map(() => [200]));
    await play(services);
  });
});
