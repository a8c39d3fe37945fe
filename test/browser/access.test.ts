import { createHmac } from "node:crypto";
import { expect } from "vitest";
import { type Dashboards, testWith } from "./dashboard.js";

const secret = "a secret of the test, of more than 32 characters";
const test = testWith(() => ({
  env: { all: { AUTH_JWT_SECRET: secret, SHARE_SECRET: `${secret}, and another one` } },
}));

/** A token as a login provider would issue it, for one minute. */
function tokenOf(user: string, role = "controller"): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: user, role, exp: Math.floor(Date.now() / 1000) + 60 };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Opens a page of one cluster whose address names another one, and records the hosts of its requests. */
async function openElsewhere(dashboards: Dashboards, from: string, api: string, path = "/") {
  const dashboard = await dashboards.open("about:blank");
  const requested = new Set<string>();
  dashboard.page.on("request", (request) => requested.add(new URL(request.url()).host));
  dashboard.page.on("websocket", (socket) => requested.add(new URL(socket.url()).host));
  await dashboard.page.goto(`${from}${path}?api=${encodeURIComponent(api)}`);
  return { dashboard, requested };
}

test("[DB91] a link to another cluster asks whether to trust its host before it asks for a token, and keeps the answer", async ({
  cluster,
  dashboards,
}) => {
  const from = cluster.apis[0]?.url ?? "";
  const { host } = new URL(cluster.url);
  for (const path of ["/", "/operations"]) {
    const { dashboard, requested } = await openElsewhere(dashboards, from, cluster.url, path);
    await dashboard.page.getByRole("dialog", { name: `Connect to ${host}?` }).waitFor();
    await dashboard.page.waitForLoadState("networkidle");
    expect(await dashboard.page.getByLabel("Access token").count()).toBe(0);
    expect([...requested]).toEqual([new URL(from).host]);
  }

  const { dashboard, requested } = await openElsewhere(dashboards, from, cluster.url);
  await dashboard.press(`Trust ${host} and connect`);
  await dashboard.page.getByLabel("Access token").fill(tokenOf("ada"));
  await dashboard.press("Sign in");
  await dashboard.plays();
  expect([...requested]).toContain(host);
  await dashboard.page.reload();
  await dashboard.plays();
  expect(await dashboard.page.getByRole("dialog").count()).toBe(0);
});

test("[DB91] a refusal or Escape leads to the page's own cluster, and nothing is sent to the other one", async ({
  cluster,
  dashboards,
}) => {
  const from = cluster.apis[0]?.url ?? "";
  const { host } = new URL(from);
  for (const refuse of ["press", "Escape"]) {
    const { dashboard, requested } = await openElsewhere(dashboards, from, cluster.url);
    await dashboard.page.getByRole("dialog", { name: /^Connect to / }).waitFor();
    if (refuse === "press") await dashboard.press(`Use ${host}`);
    else await dashboard.page.keyboard.press("Escape");
    await dashboard.page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(new URL(dashboard.page.url()).search).toBe("");
    expect([...requested]).toEqual([host]);
  }
});

test("[DB92] the page cannot connect to a host that is not in DASHBOARD_APIS, and says so", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, requested } = await openElsewhere(dashboards, cluster.url, "http://127.0.0.2:9");
  await dashboard.press("Trust 127.0.0.2:9 and connect");
  await expect.poll(() => dashboard.toasts()).toMatch(/may not connect to http:\/\/127\.0\.0\.2:9.*DASHBOARD_APIS/);
  expect([...requested]).toEqual([new URL(cluster.url).host]);
});

test("[DB16] a cluster with sign-in asks for a token, and shared links carry a token with their role", async ({
  cluster,
  dashboards,
}) => {
  const ada = await dashboards.open(cluster.url, { permissions: ["clipboard-read", "clipboard-write"] });
  await ada.page.getByRole("heading", { name: "Sign in" }).waitFor();
  await ada.page.getByLabel("Access token").fill("ey.not.one");
  await ada.press("Sign in");
  await ada.page.getByText(/Invalid token/).waitFor();
  await ada.page.getByLabel("Access token").fill(tokenOf("ada"));
  await ada.press("Sign in");
  await ada.plays();
  const id = await ada.sessionId();

  await ada.press("Session");
  await ada.press("Copy view-only link");
  await expect.poll(() => ada.toasts()).toMatch(/copied/);
  const link = new URL(await ada.page.evaluate(() => navigator.clipboard.readText()));
  expect(link.searchParams.get("session")).toBe(id);
  expect(link.hash).toMatch(/^#access=/);
  expect(`${link.pathname}${link.search}`).not.toMatch(/access/);

  const guest = await dashboards.open(link.href);
  await guest.plays();
  await guest.press("Pause");
  await expect.poll(() => guest.toasts()).not.toBe("");
  await guest.state("Playing");
  await ada.press("Pause");
  await guest.state("Paused");
  expect(await guest.settledClock()).toBe(await ada.settledClock());
});
