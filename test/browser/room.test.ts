import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB94] at 1280 by 800 pixels no label wraps, overlaps another or is cut", async ({ cluster, dashboards }) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster, {}, { viewport: { width: 1280, height: 800 } });
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await dashboard.showsCursor((await view()).cursor_ts);
  const { page } = dashboard;
  const boxOf = async (text: string) => {
    const box = await page.getByText(text, { exact: true }).first().boundingBox();
    if (!box) throw new Error(`${text} is not visible`);
    return box;
  };
  for (const name of ["Volume volatility", "Liquidity gaps", "Spoofing risk", "Eff. spread"]) {
    expect([name, (await boxOf(name)).height < 18]).toEqual([name, true]); // one line
  }
  const [high, medium] = [await boxOf("0.6 high"), await boxOf("0.3 medium")];
  expect(high.y + high.height).toBeLessThanOrEqual(medium.y);
  // The value of the last signal is within its panel.
  const signals = await page.getByRole("region", { name: "Signals" }).boundingBox();
  const last = await page.locator("[data-gauge=volatility] strong").boundingBox();
  expect((last?.y ?? 0) + (last?.height ?? 0)).toBeLessThanOrEqual((signals?.y ?? 0) + (signals?.height ?? 0));
  await page.getByRole("tab", { name: "Inspector" }).click();
  const forms = await page.getByRole("radiogroup", { name: "Frame details" }).getByRole("radio").allTextContents();
  for (const form of forms) {
    await page.getByRole("radio", { name: form, exact: true }).click();
    await expect.poll(() => page.getByText("Loading …").count()).toBe(0);
    const wider = await page
      .getByRole("region", { name: "Frame" })
      .evaluate((list) => list.scrollWidth - list.clientWidth);
    expect([form, wider]).toEqual([form, 0]);
  }
  expect(dashboard.errors).toEqual([]);
});
