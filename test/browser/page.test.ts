import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect } from "vitest";
import { z } from "zod";
import { type DashboardPage, test } from "./dashboard.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const findings = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.object({ html: z.string() })) }),
);

/** The serious and critical findings of axe, one line each. */
async function seriousIssues(dashboard: DashboardPage): Promise<string[]> {
  await dashboard.page.evaluate(axe);
  const found = await dashboard.page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations)",
  );
  return findings
    .parse(found)
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}

test.for(["dark", "light"] as const)(
  "[DB54] axe finds no serious issue on the page, in its lists, panels and help, %s",
  async (colorScheme, { cluster, dashboards }) => {
    const { dashboard, id } = await dashboards.openOn(cluster, {}, { colorScheme });
    await cluster.http.control(id, "seek", { event: "next", min_severity: "low" });
    await dashboard.press("Resume");
    await dashboard.plays();
    await dashboard.press("Pause");
    await dashboard.state("Paused");
    expect(await seriousIssues(dashboard)).toEqual([]);
    await dashboard.page.getByRole("tab", { name: "Anomalies" }).click();
    await dashboard.page.getByLabel("Minimum severity").selectOption("low");
    expect(await seriousIssues(dashboard)).toEqual([]);
    await dashboard.page.getByLabel("Minimum severity").selectOption("critical");
    await dashboard.page.getByText(/hidden by the filter/).waitFor();
    expect(await seriousIssues(dashboard)).toEqual([]);
    await dashboard.page.getByRole("tab", { name: "Gaps" }).click();
    await dashboard.page
      .getByRole("region", { name: "Gaps by price" })
      .or(dashboard.page.getByText(/^No liquidity gaps/))
      .waitFor();
    expect(await seriousIssues(dashboard)).toEqual([]);
    await dashboard.page.getByRole("tab", { name: "Inspector" }).click();
    await dashboard.key(",");
    expect(await seriousIssues(dashboard)).toEqual([]);
    await dashboard.press("Open the order ticket");
    await dashboard.page.getByRole("radio", { name: "Market", exact: true }).click();
    await dashboard.press(/^Buy/);
    await dashboard.page.getByRole("tab", { name: "Orders" }).click();
    await dashboard.press(/^Cancel buy/);
    await dashboard.press("Click trading");
    expect(await seriousIssues(dashboard)).toEqual([]);
    await dashboard.press("Report and branches");
    expect(await seriousIssues(dashboard)).toEqual([]);
    await dashboard.page.keyboard.press("Escape");
    for (const panel of ["Choose a tape", "Session", "Export", "Choose rewind length"]) {
      await dashboard.press(panel);
      expect(await seriousIssues(dashboard)).toEqual([]);
      await dashboard.page.keyboard.press("Escape");
    }
    await dashboard.key("?");
    expect(await seriousIssues(dashboard)).toEqual([]);
  },
);

test.for(["dark", "light"] as const)(
  "[DB54] axe finds no serious issue on full-page states, a simulated market and operations, %s",
  async (colorScheme, { cluster, dashboards }) => {
    const { dashboard } = await dashboards.openOn(cluster, {}, { colorScheme });
    await dashboard.page.getByRole("radio", { name: "SIM", exact: true }).click();
    await dashboard.plays();
    await dashboard.press(/^Buy/);
    await dashboard.page.getByRole("list", { name: "Fills, newest first" }).getByText("Bought").waitFor();
    await dashboard.press("Report");
    await dashboard.page.getByRole("dialog").getByRole("cell", { name: "Bought" }).waitFor();
    expect(await seriousIssues(dashboard)).toEqual([]);
    await dashboard.page.keyboard.press("Escape");
    await dashboard.page.getByRole("tab", { name: "Gaps" }).click();
    await dashboard.page.getByRole("region", { name: "Gaps by price" }).waitFor();
    expect(await seriousIssues(dashboard)).toEqual([]);
    await cluster.tapes.recorded("sparse");
    const sparse = await dashboards.openOn(cluster, { tape: "sparse" }, { colorScheme });
    expect(await seriousIssues(sparse.dashboard)).toEqual([]);
    await dashboard.page.getByRole("link", { name: "Operations" }).click();
    await dashboard.page.getByRole("table", { name: "Sessions" }).getByRole("link").first().waitFor();
    expect(await seriousIssues(dashboard)).toEqual([]);
    for (const tab of ["Nodes", "Feeds", "Tapes", "Reports"]) {
      await dashboard.page.getByRole("tab", { name: tab }).click();
      await dashboard.page.getByRole("table").waitFor();
      expect(await seriousIssues(dashboard)).toEqual([]);
    }
    const gone = await dashboards.open(`${cluster.url}/?session=never-was`, { colorScheme });
    await gone.page.getByRole("heading", { name: "Session not found" }).waitFor();
    expect(await seriousIssues(gone)).toEqual([]);
  },
);

test("[DB52] a phone shows one view at a time, all can be reached, and nothing is wider than the screen", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(
    cluster,
    {},
    { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  );
  await cluster.http.control(id, "seek", { fraction: 0.3 });
  const fits = async () => {
    expect(await dashboard.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    const outside = await dashboard.page.evaluate(() =>
      [...document.querySelectorAll("button, a, select, input")].flatMap((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 0 && (left < -1 || right > 391) ? [element.outerHTML.slice(0, 120)] : [];
      }),
    );
    expect(outside).toEqual([]);
  };
  for (const tab of ["Price", "Ladder", "Signals", "Trades", "Orders", "Alerts", "Gaps", "Frame", "Depth"]) {
    await dashboard.page.getByRole("tab", { name: tab }).tap();
    await dashboard.page.getByRole("tabpanel").waitFor();
    await fits();
  }
  await dashboard.page.getByRole("button", { name: "Resume", exact: true }).tap();
  await dashboard.plays();
  const box = await dashboard.page.getByRole("slider", { name: "Position on the tape" }).boundingBox();
  await dashboard.page.touchscreen.tap((box?.x ?? 0) + (box?.width ?? 0) * 0.8, (box?.y ?? 0) + 20);
  const tape = await cluster.tapes.recorded("usdm");
  await expect
    .poll(async () => ((await view()).controller_state.cursor_seq ?? 0) / tape.span.lastSeq, { timeout: 10_000 })
    .toBeGreaterThan(0.75);
  expect(await seriousIssues(dashboard)).toEqual([]);
  // Popovers stay on the screen, and orders can be placed.
  for (const panel of ["Choose a tape", "Session", "Export", "Choose rewind length", "Go to time"]) {
    await dashboard.press(panel);
    const { x = -1, width = 0 } = (await dashboard.page.getByRole("dialog", { name: panel }).boundingBox()) ?? {};
    expect([panel, x >= 0, x + width <= 391]).toEqual([panel, true, true]);
    await fits();
    await dashboard.page.keyboard.press("Escape");
  }
  await dashboard.page.getByRole("radio", { name: "SIM", exact: true }).tap();
  await dashboard.plays();
  await dashboard.page.getByRole("tab", { name: "Ladder" }).tap();
  await dashboard.press(/^Buy/);
  await dashboard.page.getByRole("list", { name: "Fills, newest first" }).getByText("Bought").waitFor();
  await fits();
  await dashboard.press("Report");
  await dashboard.page.getByRole("dialog").getByRole("cell", { name: "Bought" }).waitFor();
  await fits();
});

test("[DB53] theme, panel sizes, tabs and filters are kept", async ({ cluster, dashboards }) => {
  const { dashboard } = await dashboards.openOn(cluster);
  const theme = () => dashboard.page.evaluate(() => document.documentElement.dataset.theme);
  const before = await theme();
  await dashboard.key("t");
  expect(await theme()).not.toBe(before);
  await dashboard.page.getByRole("tab", { name: "Anomalies" }).click();
  await dashboard.page.getByLabel("Minimum severity").selectOption("high");
  const ladder = dashboard.page.locator("section:has(h2:text-is('Ladder'))");
  const width = async () => Math.round((await ladder.boundingBox())?.width ?? 0);
  const wide = await width();
  await dashboard.page.getByRole("separator", { name: "Resize ladder" }).focus();
  for (let n = 0; n < 3; n++) await dashboard.page.keyboard.press("ArrowLeft");
  await expect.poll(width).toBeGreaterThan(wide + 20);
  const wider = await width();
  await dashboard.page.reload();
  await ladder.waitFor();
  expect(await theme()).not.toBe(before);
  expect(Math.abs((await width()) - wider)).toBeLessThan(4);
  expect(await dashboard.page.getByRole("tab", { name: "Anomalies" }).getAttribute("aria-selected")).toBe("true");
  expect(await dashboard.page.getByLabel("Minimum severity").inputValue()).toBe("high");
});
