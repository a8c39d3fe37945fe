import { tradeReportAnswer } from "@tapedeck/protocol";
import { expect } from "vitest";
import { test } from "./dashboard.js";

/** Drawing may be slow on a busy machine. */
const patience = { timeout: 20_000 };

test("[DB90] [A91] the report lists orders with profit and loss, and saves them as CSV", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster, { mode: "SIMULATION", seed: "report" });
  await dashboard.plays();
  await dashboard.press("Report");
  const dialog = dashboard.page.getByRole("dialog", { name: "Trade report" });
  await dialog.getByText(/^No orders yet/).waitFor();
  await dashboard.page.keyboard.press("Escape");
  await dashboard.page.getByLabel("Quantity").fill("0.5");
  await dashboard.press(/^Buy/);
  await expect.poll(async () => (await view()).account?.position, patience).toBe(0.5);
  await dashboard.page.getByLabel("Quantity").fill("0.25");
  await dashboard.press(/^Sell/);
  await expect.poll(async () => (await view()).account?.position, patience).toBe(0.25);

  await dashboard.press("Report");
  const rows = dialog.getByRole("row").filter({ has: dashboard.page.getByRole("cell") });
  await expect.poll(() => rows.count(), patience).toBe(2);
  const { report } = await cluster.http.ask(tradeReportAnswer, "GET", `/reports/${id}`);
  const [sold, bought] = await rows.all();
  const cells = async (row: typeof sold) => (await row?.getByRole("cell").allTextContents()) ?? [];
  // A fill at several prices is shown as their mean, with the market's decimals.
  const price = (report.orders[0]?.fill?.price ?? Number.NaN).toLocaleString("en-US", {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  expect((await cells(bought)).slice(2, 5)).toEqual(["Bought", "0.5", price]);
  const exit = report.orders[1]?.fill?.pnl ?? Number.NaN;
  const pnlShown = Number((await cells(sold))[5]?.replace("−", "-").replaceAll(",", ""));
  expect(Math.abs(pnlShown - exit)).toBeLessThan(0.00501);
  expect(await dialog.locator("dl > div", { hasText: "Bought" }).locator("dd").textContent()).toBe("0.5");

  const [download] = await Promise.all([
    dashboard.page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Save as CSV" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`tapedeck-orders-${id}.csv`);
  await dashboard.page.keyboard.press("Escape");
  // The export also works later, in REPLAY.
  await dashboard.page.getByRole("radio", { name: "REPLAY", exact: true }).click();
  await expect.poll(async () => (await view()).mode, patience).toBe("REPLAY");
  const csv = await dashboard.exported("Orders, CSV");
  expect(csv.trimEnd().split("\r\n")).toHaveLength(3);
  expect(csv).toContain(`,BUY,0.5,0.5,${report.orders[0]?.fill?.timestamp},`);

  await dashboard.page.getByRole("link", { name: "Operations" }).click();
  await dashboard.page.getByRole("tab", { name: "Reports" }).click();
  const table = dashboard.page.getByRole("table", { name: "Reports" });
  await table.getByRole("row", { name: id }).getByRole("cell", { name: "2", exact: true }).waitFor();
  expect(dashboard.errors).toEqual([]);
});
