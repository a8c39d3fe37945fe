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

test("[DB30] the modes are switched between, and each remembers its choice", async ({ cluster, decks }) => {
  const { deck, view } = await decks.openOn(cluster);
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
  expect(await deck.exported("Trades, CSV")).toMatch(/,buy,true/);
  await deck.press("Resume");
  await deck.plays();
  await deck.press(/^Sell/);
  await fills.getByText("Sold").waitFor();
  await expect.poll(async () => (await view()).account?.position).toBe(0);
  await deck.page.getByTestId("position").getByText("0", { exact: true }).waitFor();
  expect(deck.troubles).toEqual([]);
});
