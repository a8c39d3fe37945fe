import { expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import "../support/expect.js";
import { documented, documentedOfLibraries, type Exposed, readMetrics } from "../support/metrics.js";
import { clientAt, SdkViewer } from "../support/sdk-viewer.js";
import { signIn, tokenOf } from "../support/sign-in.js";

const test = testOnCluster(() => ({
  feeds: 1,
  venues: 1,
  env: { all: { ...signIn, STATUS_PORT: "0" } },
}));

/** Where each node answers probes and Prometheus: what its heartbeat says. */
async function statusUrls({ redis, keys }: TestCluster): Promise<{ role: string; url: string }[]> {
  const nodes = await redis.zrange(keys.nodes, "0", "-1");
  const beats = await Promise.all(nodes.map((node) => redis.hgetall(keys.node(node))));
  return beats.map(({ role = "", url = "", status_url = url }) => ({ role, url: status_url }));
}

/** What all nodes of a role expose; numbers are added up. */
async function scrape(cluster: TestCluster): Promise<Map<string, Map<string, Exposed>>> {
  const roles = new Map<string, Map<string, Exposed>>();
  for (const { role, url } of await statusUrls(cluster)) {
    const answer = await fetch(`${url}/metrics`);
    expect(answer.status).toBe(200);
    const all = roles.get(role) ?? new Map<string, Exposed>();
    for (const [name, metric] of readMetrics(await answer.text())) {
      const known = all.get(name);
      const labels = metric.labels ?? known?.labels;
      all.set(name, { ...metric, labels, sum: metric.sum + (known?.sum ?? 0) });
    }
    roles.set(role, all);
  }
  return roles;
}

test("[OB1] docs/metrics.md lists exactly what a running cluster exposes", async ({ cluster }) => {
  const deck = clientAt(cluster.url, { token: await tokenOf("ada") });
  const viewer = await SdkViewer.open(deck, { tape: "usdm", speed: 5 });
  await viewer.session.start();
  await viewer.until(() => viewer.frames.length > 50, "50 frames");
  await viewer.session.pause();
  await expect(viewer.session.live()).rejects.toMatchObject({ code: "NOT_LIVE" });
  await expect(clientAt(cluster.url, { token: "a.bad.one" }).open()).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  viewer.session.close();

  const roles = await scrape(cluster);

  const exposed = [...roles].flatMap(([role, metrics]) =>
    [...metrics].filter(([name]) => name.startsWith("tapedeck_")).map(([name, { type }]) => `${role} ${type} ${name}`),
  );
  const expected = documented.flatMap(({ name, type, services }) => services.map((role) => `${role} ${type} ${name}`));
  expect(exposed.sort()).toEqual(expected.sort());

  for (const { name, labels, services } of documented) {
    for (const role of services) {
      const seen = roles.get(role)?.get(name)?.labels;
      if (seen !== undefined) expect([role, name, seen]).toEqual([role, name, labels]);
    }
  }
  for (const name of documentedOfLibraries) {
    for (const [role, metrics] of roles) expect([...metrics.keys()], role).toContain(name);
  }

  const sum = (role: string, name: string) => roles.get(role)?.get(`tapedeck_${name}`)?.sum ?? Number.NaN;
  expect(sum("ticker", "ticker_frames_published_total")).toBeGreaterThan(50);
  expect(sum("ticker", "ticker_lateness_seconds")).toBe(sum("ticker", "ticker_messages_published_total"));
  expect(sum("gateway", "gateway_frames_forwarded_total")).toBeGreaterThan(0);
  expect(sum("gateway", "gateway_delivery_delay_seconds")).toBeGreaterThan(0);
  expect(sum("gateway", "gateway_delivery_delay_seconds")).toBeLessThan(
    sum("gateway", "gateway_frames_forwarded_total"),
  );
  expect(sum("gateway", "commands_total") + sum("api", "commands_total")).toBeGreaterThanOrEqual(3);
  expect(sum("api", "token_refusals_total")).toBeGreaterThanOrEqual(1);
  expect(sum("api", "redis_connected")).toBe(2);
});

test("[OB2] names follow the convention: base units, _total on counters only, a help text each", async ({
  cluster,
}) => {
  for (const [, metrics] of await scrape(cluster)) {
    for (const [name, { type, help }] of metrics) {
      if (!name.startsWith("tapedeck_")) continue;
      expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
      expect(name).not.toMatch(/_(ms|millis|milliseconds|us|kb|mb|kilobytes|megabytes|minutes)(_|$)/);
      if (type === "histogram") expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/^[A-Z].{8,}/);
    }
  }
});

test("[OB3] health and metrics need no token on the status port, and are not exposed elsewhere without one", async ({
  cluster,
}) => {
  for (const { role, url } of await statusUrls(cluster)) {
    for (const path of ["/health", "/health/live", "/health/ready", "/metrics"]) {
      expect([role, path, (await fetch(`${url}${path}`)).status]).toEqual([role, path, 200]);
    }
    expect((await fetch(`${url}/sessions`)).status).toBe(404);
  }
  const status = async (url: string | undefined, path: string, headers = {}) =>
    (await fetch(`${url}${path}`, { headers: { accept: "text/plain", ...headers } })).status;
  const [api] = cluster.apis;
  expect(await status(api?.url, "/metrics")).toBe(401);
  expect(await status(api?.url, "/metrics", { authorization: `Bearer ${await tokenOf("ada")}` })).toBe(403);
  expect(await status(cluster.gateways[0]?.url, "/metrics")).toBe(404);
  expect(await status(cluster.gateways[0]?.url, "/health/ready")).toBe(200);
});
