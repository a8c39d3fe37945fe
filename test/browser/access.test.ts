import { createHmac } from "node:crypto";
import { expect } from "vitest";
import { testWith } from "./dashboard.js";

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
