import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB10] the first visit creates a session that plays, and a reload returns to it", async ({
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

test("[DB11] two browsers have two independent sessions", async ({ cluster, dashboards }) => {
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

test("[DB12] both viewers of a shared link see the same frames and the effect of each command", async ({
  cluster,
  dashboards,
}) => {
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
  const paused = await one.settledClock();
  expect(await other.settledClock()).toBe(paused);
  await one.press("One frame forward");
  await expect.poll(() => other.clock()).not.toBe(paused);
  await expect.poll(async () => (await other.clock()) === (await one.clock())).toBe(true);
  const { cursor_ts } = await cluster.http.session(id);
  await Promise.all([one.showsCursor(cursor_ts), other.showsCursor(cursor_ts)]);
  // The browser's own session is kept while it shows a shared one.
  expect(await other.page.evaluate(() => localStorage.getItem("kiro_session_id"))).toBeNull();
  await other.press("Session");
  await other.press("Back to my session");
  await expect.poll(() => other.sessionId()).not.toBe(id);
  await other.plays();
  await expect.poll(() => one.fact("watching"), { timeout: 15_000, interval: 500 }).toBe("1");
  // A bare id works as well.
  await other.press("Session");
  await other.page.getByLabel("Join a session: link or id").fill(id);
  await other.press("Join");
  await expect.poll(() => other.sessionId()).toBe(id);
});

test("[DB13] the panel shows the gateway, copies a link, and creates a new session", async ({
  cluster,
  dashboards,
}) => {
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
  await expect.poll(() => dashboard.sessionId()).not.toBe(id);
  await dashboard.plays();
});

test("[DB14] when its gateway is killed, the page says so, reconnects, and misses no frame", async ({
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
  if (!victim) throw new Error(`no gateway is named ${node}`);
  // Offline, so that each attempt to reconnect has to wait and the page shows it.
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
  await cluster.untilAllReady();
});

test("[DB2] the page works with a cluster of another origin, and its links name it", async ({
  cluster,
  dashboards,
}) => {
  // An api serves the page; the balancer, which is another origin, has the routes and the sockets of the cluster.
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

test("[DB3] the page sends no request to another host", async ({ cluster, dashboards }) => {
  const dashboard = await dashboards.open("about:blank");
  const hosts = new Set<string>();
  dashboard.page.on("request", (request) => hosts.add(new URL(request.url()).host));
  await dashboard.page.goto(cluster.url);
  await dashboard.plays();
  await dashboard.key("?");
  await dashboard.page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  expect([...hosts]).toEqual([new URL(cluster.url).host]);
});
