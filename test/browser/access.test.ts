import { createHmac } from "node:crypto";
import { expect } from "vitest";
import { type Decks, testWith } from "./dashboard.js";

const secret = "a secret of the test, of more than 32 characters";
const test = testWith(() => ({
  env: { all: { AUTH_JWT_SECRET: secret, SHARE_SECRET: `${secret}, and another one` } },
}));

/** What a login would give a user for a minute. */
function tokenOf(user: string, role = "controller"): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: user, role, exp: Math.floor(Date.now() / 1000) + 60 };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** A page of one cluster whose address names another, and the hosts that it asks. */
async function openElsewhere(decks: Decks, from: string, api: string, path = "/") {
  const deck = await decks.open("about:blank");
  const asked = new Set<string>();
  deck.page.on("request", (request) => asked.add(new URL(request.url()).host));
  deck.page.on("websocket", (socket) => asked.add(new URL(socket.url()).host));
  await deck.page.goto(`${from}${path}?api=${encodeURIComponent(api)}`);
  return { deck, asked };
}

test("[DB91] a link to another cluster asks whether to trust its host before any token is asked for, and keeps the answer", async ({
  cluster,
  decks,
}) => {
  const from = cluster.apis[0]?.url ?? "";
  const { host } = new URL(cluster.url);
  for (const path of ["/", "/operations"]) {
    const { deck, asked } = await openElsewhere(decks, from, cluster.url, path);
    await deck.page.getByRole("dialog", { name: `Connect to ${host}?` }).waitFor();
    await deck.page.waitForLoadState("networkidle");
    expect(await deck.page.getByLabel("Access token").count()).toBe(0);
    expect([...asked]).toEqual([new URL(from).host]);
  }

  const { deck, asked } = await openElsewhere(decks, from, cluster.url);
  await deck.press(`Trust ${host} and connect`);
  await deck.page.getByLabel("Access token").fill(tokenOf("ada"));
  await deck.press("Sign in");
  await deck.plays();
  expect([...asked]).toContain(host);
  await deck.page.reload();
  await deck.plays();
  expect(await deck.page.getByRole("dialog").count()).toBe(0);
});

test("[DB91] a no, and Escape, lead to the page's own cluster, and nothing is sent to the other", async ({
  cluster,
  decks,
}) => {
  const from = cluster.apis[0]?.url ?? "";
  const { host } = new URL(from);
  for (const refuse of ["press", "Escape"]) {
    const { deck, asked } = await openElsewhere(decks, from, cluster.url);
    await deck.page.getByRole("dialog", { name: /^Connect to / }).waitFor();
    if (refuse === "press") await deck.press(`Use ${host}`);
    else await deck.page.keyboard.press("Escape");
    await deck.page.getByRole("heading", { name: "Who are you?" }).waitFor();
    expect(new URL(deck.page.url()).search).toBe("");
    expect([...asked]).toEqual([host]);
  }
});

test("[DB92] the page may not connect to a host that DASHBOARD_APIS does not list, and says so", async ({
  cluster,
  decks,
}) => {
  const { deck, asked } = await openElsewhere(decks, cluster.url, "http://127.0.0.2:9");
  await deck.press("Trust 127.0.0.2:9 and connect");
  await expect.poll(() => deck.notices()).toMatch(/may not connect to http:\/\/127\.0\.0\.2:9.*DASHBOARD_APIS/);
  expect([...asked]).toEqual([new URL(cluster.url).host]);
});

test("[DB16] a cluster that knows its users asks for a token, and links carry one that does what they say", async ({
  cluster,
  decks,
}) => {
  const ada = await decks.open(cluster.url, { permissions: ["clipboard-read", "clipboard-write"] });
  await ada.page.getByRole("heading", { name: "Who are you?" }).waitFor();
  await ada.page.getByLabel("Access token").fill("ey.not.one");
  await ada.press("Sign in");
  await ada.page.getByText(/not good/).waitFor();
  await ada.page.getByLabel("Access token").fill(tokenOf("ada"));
  await ada.press("Sign in");
  await ada.plays();
  const id = await ada.sessionId();

  await ada.press("Session");
  await ada.press("Copy link to watch only");
  await expect.poll(() => ada.notices()).toMatch(/copied/);
  const link = new URL(await ada.page.evaluate(() => navigator.clipboard.readText()));
  expect(link.searchParams.get("session")).toBe(id);
  expect(link.hash).toMatch(/^#access=/);
  expect(`${link.pathname}${link.search}`).not.toMatch(/access/);

  const guest = await decks.open(link.href);
  await guest.plays();
  await guest.press("Pause");
  await expect.poll(() => guest.notices()).not.toBe("");
  await guest.state("Playing");
  await ada.press("Pause");
  await guest.state("Paused");
  expect(await guest.settledClock()).toBe(await ada.settledClock());
});
