import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB30] a tape that is chosen from the list plays", async ({ cluster, dashboards }) => {
  await cluster.tapes.recorded("eth");
  const { dashboard, view } = await dashboards.openOn(cluster);
  await dashboard.press("Choose a tape");
  await dashboard.page.getByLabel("Search tapes").fill("eth");
  await dashboard.press(/^ETHUSDT/);
  await dashboard.state("Playing");
  expect((await view()).tape).toMatch(/^eth@/);
  await dashboard.page
    .getByRole("button", { name: /^Choose a tape: / })
    .getByText("ETHUSDT")
    .waitFor();
});

test("[DB30] switching modes returns to what each of them played", async ({ cluster, dashboards }) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  await dashboard.press("Start");
  await dashboard.plays();
  await dashboard.page.getByRole("radio", { name: "SIM", exact: true }).click();
  await dashboard.plays();
  await dashboard.press("Choose a simulated market");
  await dashboard.page.getByLabel(/^Seed/).fill("browser-7");
  await dashboard.page.getByLabel("Scenario").selectOption("layering");
  await dashboard.press("Play");
  await expect.poll(async () => (await view()).tape).toMatch(/^sim\d+\.BTCUSDT\.browser-7\.layering@/);
  await dashboard.plays();
  await dashboard.page.getByRole("radio", { name: "REPLAY", exact: true }).click();
  await expect.poll(async () => (await view()).mode).toBe("REPLAY");
  await dashboard.plays();
  expect((await view()).tape).toMatch(/^usdm@/);
  await dashboard.page.getByRole("radio", { name: "SIM", exact: true }).click();
  await expect.poll(async () => (await view()).tape).toMatch(/browser-7\.layering/);
});

test("[DB30] a paused session is at the same position after a visit to another mode", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  await dashboard.press("Start");
  await dashboard.plays();
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  const { cursor_ts: paused, tape } = await view();
  await dashboard.page.getByRole("radio", { name: "SIM", exact: true }).click();
  await dashboard.plays();
  await dashboard.page.getByRole("radio", { name: "REPLAY", exact: true }).click();
  await dashboard.state("Paused");
  expect(await view()).toMatchObject({ mode: "REPLAY", state: "PAUSED", cursor_ts: paused, tape });
  await dashboard.press("Resume");
  await dashboard.plays();
  expect(dashboard.errors).toEqual([]);
});

test("[DB32] orders are filled, shown, and marked as the user's own", async ({ cluster, dashboards }) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  await dashboard.page.getByRole("radio", { name: "SIM", exact: true }).click();
  await dashboard.plays();
  await dashboard.page.getByLabel("Quantity").fill("0.5");
  await dashboard.press(/^Buy/);
  const fills = dashboard.page.getByRole("list", { name: "Fills, newest first" });
  await fills.getByText("Bought").waitFor();
  await expect.poll(async () => (await view()).account?.position).toBe(0.5);
  await dashboard.page.getByTestId("position").getByText("+0.5").waitFor();
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  await dashboard.settledClock();
  await dashboard.page
    .getByRole("img", { name: /^Order book of BTCUSDT: .* Your trades: \+[\d.]+ at [\d.]+/ })
    .waitFor();
  // Other trades have followed; the user's own is farther down the list.
  const list = dashboard.page.getByLabel("Trades, newest first");
  await expect
    .poll(
      async () => {
        await list.evaluate((scrolled) => scrolled.scrollBy(0, 150));
        return dashboard.page.locator("[role=row][data-own=yes]:not([hidden])").count();
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(0);
  expect(await dashboard.exported("Trades, CSV")).toMatch(/,buy,true/);
  // Open P&L is the mid price minus the average price.
  const { average_price } = (await view()).account ?? {};
  const mid = (await dashboard.visibleFrames()).at(-1)?.mid_price ?? Number.NaN;
  const shown = async (name: string) => {
    const text = await dashboard.page
      .locator("dl > div", { has: dashboard.page.getByText(name, { exact: true }) })
      .locator("dd");
    return Number((await text.textContent())?.replace("−", "-").replaceAll(",", ""));
  };
  /** Shown values are rounded to their last decimal. */
  const roundedFrom = async (name: string, exact: number | undefined, decimals: number) =>
    expect(Math.abs((await shown(name)) - (exact ?? Number.NaN)), name).toBeLessThan(0.5001 * 10 ** -decimals);
  await roundedFrom("Average", average_price ?? undefined, 1);
  await roundedFrom("Open P&L", 0.5 * (mid - (average_price ?? Number.NaN)), 2);
  await dashboard.press("Resume");
  await dashboard.plays();
  await dashboard.press(/^Sell/);
  await fills.getByText("Sold").waitFor();
  await expect.poll(async () => (await view()).account?.position).toBe(0);
  await dashboard.page.getByTestId("position").getByText("0", { exact: true }).waitFor();
  await roundedFrom("Realised", (await view()).account?.realized_pnl, 2);
  expect(dashboard.errors).toEqual([]);
});
