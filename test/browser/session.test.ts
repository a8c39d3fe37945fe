import { expect } from "vitest";
import { haveBrowser } from "../support/browser.js";
import { test } from "./dashboard.js";

test.runIf(haveBrowser)(
  "[DB10] the first visit makes a session that plays, and a reload comes back to it",
  async ({ cluster, decks }) => {
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
  },
);

test.runIf(haveBrowser)(
  "[DB11] two browsers are two sessions, and neither disturbs the other",
  async ({ cluster, decks }) => {
    const [one, other] = [await decks.open(cluster.url), await decks.open(cluster.url)];
    await Promise.all([one.plays(), other.plays()]);
    expect(await one.sessionId()).not.toBe(await other.sessionId());
    await one.press("Pause");
    await one.state("Paused");
    const at = await one.settledClock();
    await other.plays();
    await other.state("Playing");
    expect(await one.clock()).toBe(at);
  },
);
