import { type Frame, tapeOverview } from "@tapedeck/protocol";
import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import { type DashboardPage, test } from "./dashboard.js";

/** Drawing may be slow on a busy machine. */
const patience = { timeout: 20_000 };

const scrubber = (dashboard: DashboardPage) => dashboard.page.getByRole("slider", { name: "Position on the tape" });

async function firstFrame(cluster: TestCluster, isWanted: (frame: Frame) => boolean): Promise<Frame | undefined> {
  const truth = await cluster.recording("usdm");
  for (let seq = 0; seq <= truth.lastSeq; seq++) {
    const frame = truth.frame(seq);
    if (isWanted(frame)) return frame;
  }
  return undefined;
}

/** Number of pixel columns with an event mark at the scrubber's upper edge, without the playhead's. */
function markedColumns(dashboard: DashboardPage): Promise<number> {
  return scrubber(dashboard).evaluate((host) => {
    const canvas = host.querySelector("canvas");
    const pen = canvas?.getContext("2d");
    if (!canvas || !pen) return -1;
    const rows = Math.round(9 * devicePixelRatio);
    const { data } = pen.getImageData(0, 0, canvas.width, rows);
    let columns = 0;
    const playhead = Math.round(20 * devicePixelRatio);
    for (let x = playhead; x < canvas.width; x++) {
      for (let y = 0; y < rows; y++) {
        if ((data[(y * canvas.width + x) * 4 + 3] ?? 0) > 0) {
          columns++;
          break;
        }
      }
    }
    return columns;
  });
}

test("[DB84] the scrubber marks the events that pass the anomaly filter, and the feed shows how many it hides", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  const { events } = await cluster.http.ask(tapeOverview, "GET", "/tapes/usdm/overview?points=1200");
  const ranks = ["low", "medium", "high", "critical"];
  const atLeast = (least: string) => events.filter(({ severity }) => ranks.indexOf(severity) >= ranks.indexOf(least));
  expect(events.length).toBeGreaterThan(1);
  await dashboard.page.getByRole("tab", { name: "Anomalies" }).click();
  const marked = async () => Number(await scrubber(dashboard).getAttribute("data-marked"));
  const columns: number[] = [];
  for (const least of ranks) {
    await dashboard.page.getByLabel("Minimum severity").selectOption(least);
    await expect.poll(marked, patience).toBe(atLeast(least).length);
    columns.push(await markedColumns(dashboard));
  }
  expect(columns[0]).toBeGreaterThan(0);
  for (const [nth, least] of ranks.entries()) {
    expect([least, (columns[nth] ?? 0) > 0]).toEqual([least, atLeast(least).length > 0]);
  }
  // The filter also works by type.
  const [{ type = "" } = {}] = events;
  await dashboard.page.getByLabel("Minimum severity").selectOption("low");
  await dashboard.page.getByLabel("Anomaly type").selectOption(type);
  await expect.poll(marked, patience).toBe(events.filter((event) => event.type === type).length);
  await dashboard.page.getByLabel("Anomaly type").selectOption("");
  await cluster.http.control(id, "seek", { event: "next", min_severity: "low" });
  await dashboard.showsCursor((await view()).cursor_ts);
  const rows = dashboard.page.getByRole("list", { name: "Anomalies, newest first" }).getByRole("listitem");
  await expect.poll(() => rows.count(), patience).toBeGreaterThan(0);
  const all = await rows.count();
  await dashboard.page.getByLabel("Minimum severity").selectOption("critical");
  await expect
    .poll(async () => {
      const hidden = await dashboard.page.getByText(/hidden by the filter/).textContent();
      return Number(/^[\d,]+/.exec(hidden ?? "")?.[0]) + (await rows.count());
    }, patience)
    .toBe(all);
  await dashboard.press("Show all");
  await expect.poll(() => rows.count(), patience).toBe(all);
  await expect.poll(marked, patience).toBe(events.length);
  expect(await dashboard.page.getByText(/hidden by the filter/).count()).toBe(0);
});

test("[DB80] liquidity gaps are marked in the ladder, and listed by price with level, volume and risk", async ({
  cluster,
  dashboards,
}) => {
  const first = await firstFrame(cluster, ({ liquidity_gaps }) => (liquidity_gaps?.length ?? 0) > 1);
  if (first === undefined) throw new Error("no frame has two gaps");
  const gaps = first.liquidity_gaps ?? [];
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { seq: first.seq });
  await dashboard.showsCursor((await view()).cursor_ts);
  await dashboard.page.getByText(`${gaps.length} gaps`, { exact: true }).waitFor();
  const label = dashboard.page.getByRole("img", { name: /^Order book of/ });
  await expect
    .poll(() => label.getAttribute("aria-label"), patience)
    .toContain(`Gaps: ${gaps.map(({ price, risk_score }) => `${price} (risk ${risk_score})`).join(", ")}.`);
  await dashboard.page.getByRole("tab", { name: "Gaps" }).click();
  const now = dashboard.page.getByRole("region", { name: "Gaps by price" }).locator("tr[data-now=yes]");
  const numbers = (text: string) =>
    text
      .replaceAll(",", "")
      .match(/[\d.]+/g)
      ?.map(Number) ?? [];
  const listed = async () => (await now.locator("td").allTextContents()).map((text) => numbers(text)[0]);
  const expected = [...gaps].sort((a, b) => b.price - a.price);
  await expect
    .poll(async () => {
      const cells = await listed();
      return expected.map((_, nth) => [cells[nth * 5], cells[nth * 5 + 1], cells[nth * 5 + 3]]);
    }, patience)
    .toEqual(expected.map(({ price, level, risk_score }) => [price, level, risk_score]));
  expect(dashboard.errors).toEqual([]);
});

test("[DB82] the trade list shows the effective spread of each trade, if known", async ({ cluster, dashboards }) => {
  const one = await firstFrame(
    cluster,
    ({ trades, effective_spread, seq }) => seq > 50 && trades.length > 0 && (effective_spread ?? 0) > 0,
  );
  if (one === undefined) throw new Error("no frame has a trade with a spread");
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { seq: one.seq });
  await dashboard.showsCursor((await view()).cursor_ts);
  await dashboard.page.getByRole("columnheader", { name: "Eff. spread" }).waitFor();
  const list = dashboard.page.getByRole("table", { name: "Time and sales" });
  const newest = list
    .getByRole("row")
    .filter({ has: dashboard.page.getByRole("cell") })
    .first();
  await expect
    .poll(async () => {
      const cells = await newest.getByRole("cell").allTextContents();
      return [Number(cells[1]?.replaceAll(",", "")), Number(cells[3]?.replaceAll(",", ""))];
    }, patience)
    .toEqual([one.trades.at(-1)?.price, one.effective_spread]);
});

test("[DB83] volume volatility and VPIN are shown as values and over time, VPIN with its thresholds", async ({
  cluster,
  dashboards,
}) => {
  const truth = await cluster.recording("usdm");
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.9 });
  await dashboard.showsCursor((await view()).cursor_ts);
  const { vpin = Number.NaN, volume_volatility = Number.NaN } = truth.frame(
    (await view()).controller_state.cursor_seq ?? 0,
  );
  const gauge = (kind: string) => dashboard.page.locator(`[data-gauge=${kind}]`);
  await expect
    .poll(() => gauge("volatility").locator("strong").textContent(), patience)
    .toBe(volume_volatility.toFixed(2));
  const name = vpin < 0.3 ? "low" : vpin < 0.6 ? "medium" : "high";
  await expect.poll(() => gauge("vpin").locator("strong").textContent(), patience).toBe(`${vpin.toFixed(2)} ${name}`);
  const [medium, high] = ["0.3 medium", "0.6 high"].map((text) => gauge("vpin").getByText(text, { exact: true }));
  const [low, up] = [await medium?.boundingBox(), await high?.boundingBox()];
  expect((low?.y ?? 0) + (low?.height ?? 0)).toBeGreaterThan((up?.y ?? 0) + (up?.height ?? 0));
  for (const kind of ["vpin", "volatility"]) expect(await gauge(kind).locator("canvas").count()).toBe(1);
});
