import { expect, test } from "vitest";
import { createHealth } from "./health.js";
import { createMetrics } from "./metrics.js";
import { startStatusServer } from "./status-server.js";

test("[R23] the status server tells liveness, readiness and metrics, and 404 for all else", async () => {
  const health = createHealth();
  const metrics = createMetrics("ticker", "test");
  const server = await startStatusServer({ host: "127.0.0.1", port: 0, health, metrics });
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
  } finally {
    await server.stop();
  }
});
