import { get } from "node:http";
import { expect, test } from "vitest";
import { createHealth } from "../node/health.js";
import { createMetrics } from "../observability/metrics.js";
import { RequestGuard, securityHeaders } from "./request-guard.js";
import { startStatusServer } from "./status-server.js";

const guard = new RequestGuard({ HOST: "127.0.0.1", ALLOWED_HOSTS: [], ALLOWED_ORIGINS: [] });

test("[R23] [AC29] the status server answers liveness, readiness and metrics, and 404 for everything else", async () => {
  const health = createHealth();
  const metrics = createMetrics("ticker", "test");
  const server = await startStatusServer({ host: "127.0.0.1", port: 0, health, metrics, guard });
  try {
    const status = async (path: string) => (await fetch(`${server.url}${path}`)).status;
    expect(await status("/health/live")).toBe(200);
    expect(await status("/health/ready")).toBe(200);
    health.set("pubsub", "unready", "own messages do not come back");
    expect(await status("/health/live")).toBe(200);
    expect(await status("/health/ready")).toBe(503);
    expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
      status: "degraded",
      issues: ["pubsub: own messages do not come back"],
    });
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('service="ticker"');
    expect(await status("/sessions")).toBe(404);
    for (const path of ["/health", "/metrics", "/sessions"]) {
      const { headers } = await fetch(`${server.url}${path}`);
      for (const [name, value] of Object.entries(securityHeaders))
        expect([path, headers.get(name)]).toEqual([path, value]);
    }
  } finally {
    await server.stop();
  }
});

test("[AC23] [AC25] on the loopback address it refuses pages of other sites, whatever the host name", async () => {
  const server = await startStatusServer({
    ...{ host: "127.0.0.1", port: 0, guard },
    ...{ health: createHealth(), metrics: createMetrics("ticker", "test") },
  });
  const ask = (headers: Record<string, string>) =>
    new Promise<unknown>((resolve, reject) => {
      get(`${server.url}/metrics`, { headers }, async (answer) => {
        const text = (await answer.toArray()).join("");
        resolve([answer.statusCode, answer.statusCode === 200 ? "numbers" : JSON.parse(text).code]);
      }).on("error", reject);
    });
  try {
    expect(await ask({ host: "attacker.test" })).toEqual([421, "HOST_NOT_ALLOWED"]);
    expect(await ask({ origin: "http://attacker.test" })).toEqual([403, "ORIGIN_NOT_ALLOWED"]);
    expect(await ask({ "sec-fetch-site": "cross-site" })).toEqual([403, "ORIGIN_NOT_ALLOWED"]);
    expect(await ask({})).toEqual([200, "numbers"]);
  } finally {
    await server.stop();
  }
});
