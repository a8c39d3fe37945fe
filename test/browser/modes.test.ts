import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB30] a tape is chosen from the list, and plays", async ({ cluster, decks }) => {
  await cluster.tapes.recorded("eth");
  const { deck, view } = await decks.openOn(cluster);
  await deck.press("Choose a tape");
  await deck.page.getByLabel("Search tapes").fill("eth");
  await deck.press(/^ETHUSDT/);
  await deck.state("Playing");
  expect((await view()).tape).toMatch(/^eth@/);
  await deck.page
    .getByRole("button", { name: /^Choose a tape: / })
    .getByText("ETHUSDT")
    .waitFor();
});

test("[DB30] the modes are switched between, and each goes on with what it played", async ({ cluster, decks }) => {
  const { deck, view } = await decks.openOn(cluster);
  await deck.press("Start");
  await deck.plays();
  await deck.page.getByRole("radio", { name: "SIM", exact: true }).click();
  await deck.plays();
  await deck.press("Choose a simulated market");
  await deck.page.getByLabel(/^Seed/).fill("browser-7");
  await deck.page.getByLabel("Scenario").selectOption("layering");
  await deck.press("Play");
  await expect.poll(async () => (await view()).tape).toMatch(/^sim\d+\.BTCUSDT\.browser-7\.layering@/);
  await deck.plays();
  await deck.page.getByRole("radio", { name: "REPLAY", exact: true }).click();
  await expect.poll(async () => (await view()).mode).toBe("REPLAY");
  await deck.plays();
  expect((await view()).tape).toMatch(/^usdm@/);
  await deck.page.getByRole("radio", { name: "SIM", exact: true }).click();
  await expect.poll(async () => (await view()).tape).toMatch(/browser-7\.layering/);
});

test("[DB30] a deck that was paused is where it was after a look at another mode", async ({ cluster, decks }) => {
  const { deck, view } = await decks.openOn(cluster);
  await deck.press("Start");
  await deck.plays();
  await deck.press("Pause");
  await deck.state("Paused");
  const { cursor_ts: paused, tape } = await view();
  await deck.page.getByRole("radio", { name: "SIM", exact: true }).click();
  await deck.plays();
  await deck.page.getByRole("radio", { name: "REPLAY", exact: true }).click();
  await deck.state("Paused");
  expect(await view()).toMatchObject({ mode: "REPLAY", state: "PAUSED", cursor_ts: paused, tape });
  await deck.press("Resume");
  await deck.plays();
  expect(deck.troubles).toEqual([]);
});

test("[DB32] orders are filled, shown, and marked as one's own", async ({ cluster, decks }) => {
  const { deck, view } = await decks.openOn(cluster);
  await deck.page.getByRole("radio", { name: "SIM", exact: true }).click();
  await deck.plays();
  await deck.page.getByLabel("Quantity").fill("0.5");
  await deck.press(/^Buy/);
  const fills = deck.page.getByRole("list", { name: "Fills, newest first" });
  await fills.getByText("Bought").waitFor();
  await expect.poll(async () => (await view()).account?.position).toBe(0.5);
  await deck.page.getByTestId("position").getByText("+0.5").waitFor();
  await deck.press("Pause");
  await deck.state("Paused");
  await deck.settledClock();
  await deck.page.getByRole("img", { name: /^Order book of BTCUSDT: .* Your trades: \+[\d.]+ at [\d.]+/ }).waitFor();
  // Others have traded since; one's own is farther down the list, and marked.
  const list = deck.page.getByLabel("Trades, newest first");
  await expect
    .poll(
      async () => {
        await list.evaluate((scrolled) => scrolled.scrollBy(0, 150));
        return deck.page.locator("[role=row][data-own=yes]:not([hidden])").count();
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(0);
  expect(await deck.exported("Trades, CSV")).toMatch(/,buy,true/);
  // Worth what the book says now, against what was paid.
  const { average_price } = (await view()).account ?? {};
  const mid = (await deck.framesInSight()).at(-1)?.mid_price ?? Number.NaN;
  const shown = async (name: string) => {
    const text = await deck.page.locator("dl > div", { has: deck.page.getByText(name, { exact: true }) }).locator("dd");
    return Number((await text.textContent())?.replace("−", "-").replaceAll(",", ""));
  };
  /** What is shown is rounded: by half a unit of its last decimal, and no more. */
  const roundedFrom = async (name: string, exact: number | undefined, decimals: number) =>
    expect(Math.abs((await shown(name)) - (exact ?? Number.NaN)), name).toBeLessThan(0.5001 * 10 ** -decimals);
  await roundedFrom("Average", average_price ?? undefined, 1);
  await roundedFrom("Open P&L", 0.5 * (mid - (average_price ?? Number.NaN)), 2);
  await deck.press("Resume");
  await deck.plays();
  await deck.press(/^Sell/);
  await fills.getByText("Sold").waitFor();
  await expect.poll(async () => (await view()).account?.position).toBe(0);
  await deck.page.getByTestId("position").getByText("0", { exact: true }).waitFor();
  await roundedFrom("Realised", (await view()).account?.realized_pnl, 2);
  expect(deck.troubles).toEqual([]);
});
