import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB10] the first visit makes a session that plays, and a reload comes back to it", async ({
  cluster,
  dashboards,
}) => {
  const dashboard = await dashboards.open(cluster.url);
  await dashboard.plays();
  const id = await dashboard.sessionId();
  expect(await dashboard.page.evaluate(() => localStorage.getItem("kiro_session_id"))).toBe(id);
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  const at = await dashboard.settledClock();
  await dashboard.page.reload();
  await dashboard.state("Paused");
  await expect.poll(() => dashboard.clock()).toBe(at);
  expect(await dashboard.sessionId()).toBe(id);
  expect(dashboard.errors).toEqual([]);
});

test("[DB11] two browsers are two sessions, and neither disturbs the other", async ({ cluster, dashboards }) => {
  const [one, other] = [await dashboards.open(cluster.url), await dashboards.open(cluster.url)];
  await Promise.all([one.plays(), other.plays()]);
  expect(await one.sessionId()).not.toBe(await other.sessionId());
  await one.press("Pause");
  await one.state("Paused");
  const at = await one.settledClock();
  await other.plays();
  await other.state("Playing");
  expect(await one.clock()).toBe(at);
});

test("[DB12] a shared link is watched together: what one does both see", async ({ cluster, dashboards }) => {
  const one = await dashboards.open(cluster.url);
  await one.plays();
  const id = await one.sessionId();
  const other = await dashboards.open(`${cluster.url}/?session=${id}`);
  await other.plays();
  await one.page
    .getByRole("button", { name: /^Session: / })
    .getByText("2", { exact: true })
    .waitFor();
  await other.press("Pause");
  await Promise.all([one.state("Paused"), other.state("Paused")]);
  expect(await one.settledClock()).toBe(await other.settledClock());
  await one.press("One frame forward");
  await expect.poll(async () => (await other.clock()) === (await one.clock()), { timeout: 10_000 }).toBe(true);
  const { cursor_ts } = await cluster.http.session(id);
  await Promise.all([one.showsCursor(cursor_ts), other.showsCursor(cursor_ts)]);
  // One's own is not forgotten over somebody else's.
  expect(await other.page.evaluate(() => localStorage.getItem("kiro_session_id"))).toBeNull();
  await other.press("Session");
  await other.press("Back to my session");
  await other.plays();
  expect(await other.sessionId()).not.toBe(id);
  await expect.poll(() => one.fact("watching"), { timeout: 15_000, interval: 500 }).toBe("1");
  // By the bare id, too.
  await other.press("Session");
  await other.page.getByLabel("Join a session: link or id").fill(id);
  await other.press("Join");
  await expect.poll(() => other.sessionId()).toBe(id);
});

test("[DB13] the panel tells where the session is served, and makes a new one", async ({ cluster, dashboards }) => {
  const dashboard = await dashboards.open(cluster.url, { permissions: ["clipboard-read", "clipboard-write"] });
  await dashboard.plays();
  const id = await dashboard.sessionId();
  await dashboard.press("Session");
  const panel = dashboard.page.getByRole("dialog", { name: "Session" });
  await panel.getByText(/^gateway-/).waitFor();
  await expect.poll(() => panel.textContent(), { timeout: 15_000 }).toMatch(/Round trip[\d.]+ ms/);
  await dashboard.press("Copy link");
  const link = await dashboard.page.evaluate(() => navigator.clipboard.readText());
  expect(link).toBe(`${cluster.url}/?session=${id}`);
  await dashboard.press("New session");
  await dashboard.plays();
  expect(await dashboard.sessionId()).not.toBe(id);
});

test("[DB14] when its gateway is killed the page says so, comes back, and misses no frame", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id } = await dashboards.openOn(cluster, { max_fps: 0 });
  await dashboard.page.getByLabel("Visible time span").selectOption("300000");
  await dashboard.press("Start");
  await dashboard.plays();
  await dashboard.press("Session");
  const node = await dashboard.page
    .getByRole("dialog", { name: "Session" })
    .getByText(/^gateway-/)
    .textContent();
  await dashboard.page.keyboard.press("Escape");
  const victim = cluster.gateways.find(({ name }) => node?.startsWith(name));
  if (!victim) throw new Error(`no gateway is called ${node}`);
  // Each attempt to come back is made to wait, so that the page has something to say.
  const before = await dashboard.visibleSeqs();
  await dashboard.page.context().setOffline(true);
  cluster.signal(victim, "SIGKILL");
  await dashboard.page.getByTestId("reconnecting").waitFor();
  await dashboard.page.context().setOffline(false);
  await dashboard.page.getByTestId("reconnecting").waitFor({ state: "hidden" });
  await dashboard.plays();
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  await dashboard.settledClock();
  const seqs = await dashboard.visibleSeqs();
  const { controller_state } = await cluster.http.session(id);
  expect(seqs.at(-1)).toBe(controller_state.cursor_seq);
  expect(seqs).toEqual(seqs.map((_, nth) => (seqs[0] ?? 0) + nth));
  expect(seqs).toEqual(expect.arrayContaining(before));
  expect(seqs.length).toBeGreaterThan(before.length);
  await cluster.whole();
});

test("[DB2] the page works against a cluster of another origin, and its links say so", async ({
  cluster,
  dashboards,
}) => {
  // The balancer gives the page; an api, which is another origin, has the cluster's routes, and a gateway its sockets.
  const dashboard = await dashboards.open(`${cluster.apis[0]?.url}/?api=${encodeURIComponent(cluster.url)}`, {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await dashboard.press(/^Trust /);
  await dashboard.plays();
  await dashboard.press("Session");
  await dashboard.press("Copy link");
  const link = new URL(await dashboard.page.evaluate(() => navigator.clipboard.readText()));
  expect(link.searchParams.get("api")).toBe(cluster.url);
  expect(dashboard.errors).toEqual([]);
});

test("[DB3] it asks nothing of any other host", async ({ cluster, dashboards }) => {
  const dashboard = await dashboards.open("about:blank");
  const hosts = new Set<string>();
  dashboard.page.on("request", (request) => hosts.add(new URL(request.url()).host));
  await dashboard.page.goto(cluster.url);
  await dashboard.plays();
  await dashboard.key("?");
  await dashboard.page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  expect([...hosts]).toEqual([new URL(cluster.url).host]);
});
