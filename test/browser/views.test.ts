import { fullBook } from "@tapedeck/protocol";
import { expect } from "vitest";
import { type DashboardPage, test } from "./dashboard.js";

/** Number of different colours on a canvas. */
function coloursOf(dashboard: DashboardPage, selector: string): Promise<number> {
  return dashboard.page.evaluate((found) => {
    const canvas = document.querySelector(found);
    if (!(canvas instanceof HTMLCanvasElement)) return -1;
    const copy = document.createElement("canvas");
    copy.width = canvas.width;
    copy.height = canvas.height;
    const pen = copy.getContext("2d");
    if (!pen || canvas.width === 0) return -1;
    pen.drawImage(canvas, 0, 0);
    const { data } = pen.getImageData(0, 0, copy.width, copy.height);
    return new Set(new Uint32Array(data.buffer)).size;
  }, selector);
}

test("[DB41] all views show the market", async ({ cluster, dashboards }) => {
  const { dashboard, id } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await dashboard.press("Resume");
  await dashboard.plays();
  await dashboard.page.locator("[role=row]:has-text('.') >> nth=3").waitFor();
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  for (const view of ["Price", "Depth", "Ladder", "Signals"]) {
    const canvas = `section:has(h2:text-is("${view}")) canvas`;
    await dashboard.page.locator(canvas).first().waitFor();
  }
  await expect.poll(() => coloursOf(dashboard, "[data-renderer] canvas")).toBeGreaterThan(20);
  await expect.poll(() => coloursOf(dashboard, "[aria-label^='Order book of']")).toBeGreaterThan(20);
  await expect.poll(() => coloursOf(dashboard, "[data-gauge=imbalance] canvas")).toBeGreaterThan(5);
  expect(dashboard.errors).toEqual([]);
});

test("[DB44] the heatmap looks the same with WebGL and on a plain canvas", async ({ cluster, dashboards }) => {
  const { dashboard, id } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await dashboard.showsCursor((await cluster.http.session(id)).cursor_ts);
  const shares: number[] = [];
  for (const renderer of ["canvas", "webgl"] as const) {
    await dashboard.page.goto(`${cluster.url}/?session=${id}&heatmap=${renderer}`);
    await dashboard.page.locator(`[data-renderer=${renderer}]`).waitFor();
    await expect.poll(() => dashboard.clock(), { timeout: 20_000 }).toMatch(/^\d\d:/);
    await dashboard.settledClock();
    shares.push(await litShare(dashboard));
  }
  const [canvas = 0, webgl = 0] = shares;
  expect(canvas).toBeGreaterThan(0.02);
  expect(Math.abs(webgl - canvas)).toBeLessThan(0.01);
});

test("[DB44] when the graphics card is lost, the heatmap continues on a plain canvas", async ({
  cluster,
  dashboards,
}) => {
  const { id } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  const dashboard = await dashboards.open(`${cluster.url}/?session=${id}&heatmap=webgl`);
  const renderer = (name: string) => dashboard.page.locator(`[data-renderer=${name}]`).waitFor();
  await renderer("webgl");
  await dashboard.settledClock();
  await dashboard.page.evaluate(() => {
    const canvas = document.querySelector("[data-renderer] canvas");
    if (canvas instanceof HTMLCanvasElement)
      canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  });
  await renderer("canvas");
  await expect.poll(() => litShare(dashboard)).toBeGreaterThan(0.02);
  expect(dashboard.errors).toEqual([]);
});

test("[DB85] [DB86] the ladder scrolls to levels behind the best 20, and the inspector lists them, and the events of a frame", async ({
  cluster,
  dashboards,
  skip,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  const { cursor_ts } = await view();
  await dashboard.showsCursor(cursor_ts);
  const answer = await fetch(`${cluster.url}/sessions/${id}/book?depth=100000`);
  if (answer.status === 404) skip("the tape is made up and has no event track: the data folder is absent");
  const { bids, asks } = fullBook.parse(await answer.json());
  const prices = new Set([...bids, ...asks].map(([price]) => Number(price)));
  const [twentieth = 0, deepest = 0] = [Number(bids[19]?.[0]), Number(bids[120]?.[0])];
  expect(deepest).toBeGreaterThan(0);
  const ladder = dashboard.page.getByRole("img", { name: /^Order book of/ });
  await ladder.hover();
  await dashboard.page.mouse.wheel(0, 120 * 18);
  const range = async () => {
    const label = (await ladder.getAttribute("aria-label")) ?? "";
    return /Scrolled: prices from ([\d.]+) to ([\d.]+)\./.exec(label)?.slice(1).map(Number) ?? [0, 0];
  };
  // Not more than are loaded: it scrolls on when they are.
  await expect
    .poll(async () => {
      await dashboard.page.mouse.wheel(0, 120 * 18);
      const [low = 0] = await range();
      return low > 0 && low < deepest;
    })
    .toBe(true);
  const [low = 0, high = 0] = await range();
  expect([prices.has(low), prices.has(high)]).toEqual([true, true]);
  await dashboard.press("Best prices");
  await expect.poll(range).toEqual([0, 0]);
  await dashboard.page.getByRole("tab", { name: "Inspector" }).click();
  await dashboard.page.getByRole("radio", { name: "Levels" }).click();
  const rows = dashboard.page.getByRole("region", { name: "Frame" }).locator("tbody tr");
  await expect.poll(() => rows.count()).toBe(20);
  await dashboard.press(/^Show more levels/);
  await expect.poll(() => rows.count()).toBe(120);
  const listed = await rows.locator("[data-side=buy]").allTextContents();
  expect(listed.map((text) => Number(text.replaceAll(",", "")))).toEqual(
    bids.slice(0, 120).map(([price]) => Number(price)),
  );
  expect(Number(listed[19]?.replaceAll(",", ""))).toBe(twentieth);
  await dashboard.page.getByRole("radio", { name: "Events" }).click();
  const { cursor_seq: seq } = (await view()).controller_state;
  const query = new URLSearchParams({ from_seq: `${seq}`, to_seq: `${Number(seq) + 1}` });
  const lines = (await (await fetch(`${cluster.url}/tapes/usdm/events?${query}`)).text()).trim().split("\n");
  await expect.poll(() => rows.count()).toBe(Math.min(500, lines.length));
  expect(dashboard.errors).toEqual([]);
});

test("[DB86] in a simulated market the inspector lists the whole book and the events of a frame, too", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster, { mode: "SIMULATION", seed: "7" });
  await cluster.http.control(id, "pause");
  await cluster.http.control(id, "seek", { seq: 3_000 });
  await dashboard.showsCursor((await view()).cursor_ts);
  const { bids, tape } = fullBook.parse(await (await fetch(`${cluster.url}/sessions/${id}/book?depth=1000`)).json());
  expect(bids.length).toBeGreaterThan(20);
  await dashboard.page.getByRole("tab", { name: "Inspector" }).click();
  await dashboard.page.getByRole("radio", { name: "Levels" }).click();
  const rows = dashboard.page.getByRole("region", { name: "Frame" }).locator("tbody tr");
  await dashboard.press(/^Show more levels/);
  // The other side may have more levels.
  const listed = async () =>
    (await rows.locator("[data-side=buy]").allTextContents()).filter((text) => /\d/.test(text));
  await expect
    .poll(async () => (await listed()).map((text) => Number(text.replaceAll(",", ""))))
    .toEqual(bids.map(([price]) => Number(price)));
  await dashboard.page.getByRole("radio", { name: "Events" }).click();
  const lines = await (await fetch(`${cluster.url}/tapes/${tape}/events?from_seq=3000&to_seq=3001`)).text();
  await expect.poll(() => rows.count()).toBe(lines.trim().split("\n").length);
  expect(dashboard.errors).toEqual([]);
});

test("[DB43] a jump is a gap in the heatmap, not the last book", async ({ cluster, dashboards }) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  for (const fraction of [0.3, 0.6]) {
    await cluster.http.control(id, "seek", { fraction });
    await dashboard.showsCursor((await view()).cursor_ts);
    await expect.poll(async () => (await dashboard.visibleSeqs()).length, { timeout: 15_000 }).toBeGreaterThan(60);
  }
  await dashboard.page.getByLabel("Visible time span").selectOption("300000");
  await expect.poll(async () => (await dashboard.visibleSeqs()).length).toBeGreaterThan(150);
  const times = (await dashboard.visibleFrames()).map(({ timestamp }) => Date.parse(timestamp));
  const jump = times.findLastIndex((ms, nth) => ms - (times[nth - 1] ?? ms) > 20_000);
  const [before = 0, after = 0, last = 0] = [times[jump - 1], times[jump], times.at(-1)];
  expect(after).toBeGreaterThan(before);
  // For each column of pixels, whether anything is drawn. The newest frame is 4 % from the right edge.
  const lit = await dashboard.page.evaluate(() => {
    const canvas = document.querySelector("[data-renderer] canvas");
    if (!(canvas instanceof HTMLCanvasElement)) return [];
    const { data, width, height } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? {
      data: new Uint8ClampedArray(),
      width: 0,
      height: 0,
    };
    return Array.from({ length: width }, (_, x) =>
      Array.from({ length: height }, (__, y) => data[(y * width + x) * 4 + 3] ?? 0).some((alpha) => alpha > 0),
    );
  });
  const x = (ms: number) => Math.round(((ms - (last + 0.04 * 300_000 - 300_000)) / 300_000) * lit.length);
  // Discs extend slightly over the edge.
  expect(lit.slice(x(before) + 18, x(after) - 18)).not.toContain(true);
  expect(lit.slice(x(before) - 15, x(before) - 3)).not.toContain(false);
  expect(lit.slice(x(after) + 3, x(last) - 3)).not.toContain(false);
});

/** The share of lit pixels in the heatmap, from an exported picture, because WebGL content cannot be read later. */
async function litShare(dashboard: DashboardPage): Promise<number> {
  const png = await dashboard.exportedBytes("Charts, PNG");
  return dashboard.page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const pen = canvas.getContext("2d");
    if (!pen) return -1;
    pen.drawImage(image, 0, 0);
    // The lower half is the heatmap; its background is nearly black.
    const { data } = pen.getImageData(
      0,
      Math.floor(image.height / 2),
      image.width - 70,
      Math.floor(image.height / 2) - 30,
    );
    let lit = 0;
    for (let at = 0; at < data.length; at += 4) if ((data[at + 2] ?? 0) > 45) lit++;
    return lit / (data.length / 4);
  }, png.toString("base64"));
}

test("[DB42] pointing at a past moment shows it in all views while paused, and a click pins it", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await dashboard.showsCursor((await view()).cursor_ts);
  const cursor = (await view()).controller_state.cursor_seq ?? 0;
  await dashboard.page.getByRole("tab", { name: "Inspector" }).click();
  const inspector = dashboard.page.getByRole("tabpanel");
  await inspector.getByText(new RegExp(`seq ${cursor}$`)).waitFor();
  const seqShown = async () => Number(/seq (\d+)/.exec((await inspector.textContent()) ?? "")?.[1]);

  const box = await dashboard.page.locator("[data-renderer]").boundingBox();
  if (!box) throw new Error("there is no heatmap");
  await dashboard.page.mouse.move(box.x + (box.width - 68) * 0.9, box.y + box.height * 0.4);
  await expect.poll(seqShown).toBeLessThan(cursor);
  const pointed = await seqShown();
  await dashboard.page.mouse.click(box.x + (box.width - 68) * 0.9, box.y + box.height * 0.4);
  await dashboard.page.mouse.move(5, 5);
  expect(await seqShown()).toBe(pointed);
  await dashboard.page.getByText(/before the playhead/).waitFor();
  await dashboard.key(",");
  await expect.poll(seqShown).toBe(pointed - 1);
  await dashboard.key(".");
  await expect.poll(seqShown).toBe(pointed);
  // The playhead has not moved.
  expect((await view()).controller_state.cursor_seq).toBe(cursor);
  await dashboard.key("Escape");
  await expect.poll(seqShown).toBe(cursor);

  await dashboard.key(",");
  await dashboard.page.getByRole("button", { name: "Seek here" }).first().click();
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBe(cursor - 1);
});

test("[DB40] a step back keeps the visible frames, and a jump loads the frames before it", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.5 });
  await dashboard.showsCursor((await view()).cursor_ts);
  const cursor = (await view()).controller_state.cursor_seq ?? 0;
  await expect.poll(async () => (await dashboard.visibleSeqs()).length, { timeout: 15_000 }).toBeGreaterThan(60);
  const before = await dashboard.visibleSeqs();
  expect(before).toEqual(before.map((_, nth) => (before[0] ?? 0) + nth));
  expect(before.at(-1)).toBe(cursor);
  await dashboard.press("One frame back");
  await expect.poll(async () => (await dashboard.visibleSeqs()).at(-1)).toBe(cursor - 1);
  const after = await dashboard.visibleSeqs();
  expect(after.length).toBeGreaterThanOrEqual(before.length - 1);
});

test("[DB45] the anomaly feed is filtered by type and severity, and a click on an entry seeks to it", async ({
  cluster,
  dashboards,
}) => {
  // Fast enough that frames are merged.
  const { dashboard } = await dashboards.openOn(cluster, {
    mode: "SIMULATION",
    seed: "7",
    scenario: "mixed",
    max_fps: 10,
  });
  await dashboard.page.getByRole("tab", { name: "Anomalies" }).click();
  await dashboard.page.getByLabel("Minimum severity").selectOption("low");
  await dashboard.page.getByRole("radio", { name: "100×", exact: true }).click();
  const rows = dashboard.page.getByRole("list", { name: "Anomalies, newest first" }).getByRole("button");
  const names = async () => [...new Set(await rows.locator("strong").allTextContents())];
  await dashboard.plays();
  await expect.poll(async () => (await names()).length, { timeout: 30_000 }).toBeGreaterThan(2);
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  await dashboard.settledClock();
  const [name = ""] = await names();
  await dashboard.page.getByLabel("Anomaly type").selectOption({ label: name });
  await expect.poll(names).toEqual([name]);
  await rows.first().click();
  const type = name.replaceAll(" ", "_").toUpperCase();
  await expect
    .poll(async () => (await dashboard.visibleFrames()).at(-1)?.anomalies.map((anomaly) => anomaly.type))
    .toContain(type);
  expect((await dashboard.visibleFrames()).at(-1)?.skipped).toBeUndefined();
  await dashboard.page.getByLabel("Anomaly type").selectOption("");
  await dashboard.page.getByLabel("Minimum severity").selectOption("critical");
  await expect
    .poll(async () => (await rows.locator("span:first-child").allTextContents()).join(""))
    .toMatch(/^(critical)*$/);
});
