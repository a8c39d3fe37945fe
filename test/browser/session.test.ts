import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB10] the first visit makes a session that plays, and a reload comes back to it", async ({ cluster, decks }) => {
  const deck = await decks.open(cluster.url);
  await deck.plays();
  const id = await deck.sessionId();
  expect(await deck.page.evaluate(() => localStorage.getItem("kiro_session_id"))).toBe(id);
  await deck.press("Pause");
  await deck.state("Paused");
  const at = await deck.settledClock();
  await deck.page.reload();
  await deck.state("Paused");
  await expect.poll(() => deck.clock()).toBe(at);
  expect(await deck.sessionId()).toBe(id);
  expect(deck.troubles).toEqual([]);
});

test("[DB11] two browsers are two sessions, and neither disturbs the other", async ({ cluster, decks }) => {
  const [one, other] = [await decks.open(cluster.url), await decks.open(cluster.url)];
  await Promise.all([one.plays(), other.plays()]);
  expect(await one.sessionId()).not.toBe(await other.sessionId());
  await one.press("Pause");
  await one.state("Paused");
  const at = await one.settledClock();
  await other.plays();
  await other.state("Playing");
  expect(await one.clock()).toBe(at);
});

test("[DB12] a shared link is watched together: what one does both see", async ({ cluster, decks }) => {
  const one = await decks.open(cluster.url);
  await one.plays();
  const id = await one.sessionId();
  const other = await decks.open(`${cluster.url}/?session=${id}`);
  await other.plays();
  await one.page
    .getByRole("button", { name: /^Session: / })
    .getByText("2", { exact: true })
    .waitFor();
  await other.press("Pause");
  await Promise.all([one.state("Paused"), other.state("Paused")]);
  expect(await one.settledClock()).toBe(await other.settledClock());
  await one.press("One frame on");
  await expect.poll(async () => (await other.clock()) === (await one.clock()), { timeout: 10_000 }).toBe(true);
  const { cursor_ts } = await cluster.http.session(id);
  await Promise.all([one.standsAt(cursor_ts), other.standsAt(cursor_ts)]);
  // One's own is not forgotten over somebody else's.
  expect(await other.page.evaluate(() => localStorage.getItem("kiro_session_id"))).toBeNull();
  await other.press("Session");
  await other.press("Back to mine");
  await other.plays();
  expect(await other.sessionId()).not.toBe(id);
  await expect.poll(() => one.fact("watching"), { timeout: 15_000, interval: 500 }).toBe("1");
  // By the bare id, too.
  await other.press("Session");
  await other.page.getByLabel("Watch somebody's session: link or id").fill(id);
  await other.press("Join");
  await expect.poll(() => other.sessionId()).toBe(id);
});

test("[DB13] the panel tells where the session is served, and makes a new one", async ({ cluster, decks }) => {
  const deck = await decks.open(cluster.url, { permissions: ["clipboard-read", "clipboard-write"] });
  await deck.plays();
  const id = await deck.sessionId();
  await deck.press("Session");
  const panel = deck.page.getByRole("dialog", { name: "Session" });
  await panel.getByText(/^gateway-/).waitFor();
  await expect.poll(() => panel.textContent(), { timeout: 15_000 }).toMatch(/Round trip[\d.]+ ms/);
  await deck.press("Copy link");
  const link = await deck.page.evaluate(() => navigator.clipboard.readText());
  expect(link).toBe(`${cluster.url}/?session=${id}`);
  await deck.press("New session");
  await deck.plays();
  expect(await deck.sessionId()).not.toBe(id);
});

test("[DB14] when its gateway is killed the page says so, comes back, and misses no frame", async ({
  cluster,
  decks,
}) => {
  const { deck, id } = await decks.openOn(cluster, { max_fps: 0 });
  await deck.page.getByLabel("Stretch of tape time in sight").selectOption("300000");
  await deck.press("Start");
  await deck.plays();
  await deck.press("Session");
  const node = await deck.page
    .getByRole("dialog", { name: "Session" })
    .getByText(/^gateway-/)
    .textContent();
  await deck.page.keyboard.press("Escape");
  const victim = cluster.gateways.find(({ name }) => node?.startsWith(name));
  if (!victim) throw new Error(`no gateway is called ${node}`);
  // Each attempt to come back is made to wait, so that the page has something to say.
  const before = await deck.seqsInSight();
  await deck.page.context().setOffline(true);
  cluster.signal(victim, "SIGKILL");
  await deck.page.getByTestId("reconnecting").waitFor();
  await deck.page.context().setOffline(false);
  await deck.page.getByTestId("reconnecting").waitFor({ state: "hidden" });
  await deck.plays();
  await deck.press("Pause");
  await deck.state("Paused");
  await deck.settledClock();
  const seqs = await deck.seqsInSight();
  const { controller_state } = await cluster.http.session(id);
  expect(seqs.at(-1)).toBe(controller_state.cursor_seq);
  expect(seqs).toEqual(seqs.map((_, nth) => (seqs[0] ?? 0) + nth));
  expect(seqs).toEqual(expect.arrayContaining(before));
  expect(seqs.length).toBeGreaterThan(before.length);
  await cluster.whole();
});

test("[DB2] the page works against a cluster of another origin, and its links say so", async ({ cluster, decks }) => {
  // The balancer gives the page; an api, which is another origin, has the cluster's routes, and a gateway its sockets.
  const deck = await decks.open(`${cluster.apis[0]?.url}/?api=${encodeURIComponent(cluster.url)}`, {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await deck.press(/^Trust /);
  await deck.plays();
  await deck.press("Session");
  await deck.press("Copy link");
  const link = new URL(await deck.page.evaluate(() => navigator.clipboard.readText()));
  expect(link.searchParams.get("api")).toBe(cluster.url);
  expect(deck.troubles).toEqual([]);
});

test("[DB3] it asks nothing of any other host", async ({ cluster, decks }) => {
  const deck = await decks.open("about:blank");
  const hosts = new Set<string>();
  deck.page.on("request", (request) => hosts.add(new URL(request.url()).host));
  await deck.page.goto(cluster.url);
  await deck.plays();
  await deck.key("?");
  await deck.page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  expect([...hosts]).toEqual([new URL(cluster.url).host]);
});
