import { type FullBookView, fullBook } from "@tapedeck/protocol";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import { type DashboardPage, test } from "./dashboard.js";

const heatmapOf = ({ page }: DashboardPage) => page.getByRole("img", { name: /^Order book over time/ });

async function description(dashboard: DashboardPage): Promise<string> {
  return (await heatmapOf(dashboard).getAttribute("aria-label")) ?? "";
}

/** Numbers that a sentence of the heatmap's description names. */
async function numbersIn(dashboard: DashboardPage, sentence: RegExp): Promise<number[]> {
  const found = sentence.exec(await description(dashboard));
  return (found ?? []).slice(1).map((text) => Number(text.replaceAll(",", "")));
}

const shownPrices = (dashboard: DashboardPage) => numbersIn(dashboard, /Prices from ([\d.-]+) to ([\d.-]+)\./);
const knownPrices = (dashboard: DashboardPage) => numbersIn(dashboard, /known from ([\d.]+) to ([\d.]+)\./);

/** Waits until the shown prices no longer change. */
async function settled(dashboard: DashboardPage): Promise<void> {
  let before: number[] = [];
  await expect
    .poll(
      async () => {
        const now = await shownPrices(dashboard);
        const still = now.length === 2 && now.join() === before.join();
        before = now;
        return still;
      },
      { interval: 700, timeout: 15_000 }, // the description is written twice a second
    )
    .toBe(true);
}

/** The whole book at a frame; undefined where the recording is made up. */
async function bookAt(cluster: TestCluster, seq: number | null): Promise<FullBookView | undefined> {
  const answer = await fetch(`${cluster.url}/tapes/usdm/book?seq=${seq}&depth=100000`);
  return answer.status === 404 ? undefined : fullBook.parse(await answer.json());
}

/** Points at a price, at a share of the heatmap's width. */
async function pointAt(dashboard: DashboardPage, price: number, share: number): Promise<void> {
  const box = await heatmapOf(dashboard).boundingBox();
  const [low = 0, high = 0] = await shownPrices(dashboard);
  if (!box) throw new Error("the heatmap is not visible");
  const [width, height] = [box.width - 68, box.height - 20]; // without the axes
  await dashboard.page.mouse.move(box.x + width * share, box.y + (height * (high - price)) / (high - low));
}

test("[DB87] [DB88] the heatmap shows the whole book of a frame, with its sizes, and says up to where it is known", async ({
  cluster,
  dashboards,
  skip,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await dashboard.showsCursor((await view()).cursor_ts);
  const book = await bookAt(cluster, (await view()).controller_state.cursor_seq);
  if (!book) skip("the tape is made up and has no event track: the data folder is absent");
  const [low = 0, high = 0] = [Number(book?.known_low), Number(book?.known_high)];
  const requests: string[] = [];
  dashboard.page.on("request", (request) => requests.push(request.url()));
  await dashboard.press("Whole book");
  await expect.poll(() => knownPrices(dashboard)).toEqual([low, high]);
  await expect.poll(async () => (await shownPrices(dashboard))[0]).toBeLessThan(low);
  expect((await shownPrices(dashboard))[1]).toBeGreaterThan(high);
  // The newest frame is 4 % from the right edge.
  await pointAt(dashboard, low + (high - low) * 0.2, 0.99);
  const pointed = () => numbersIn(dashboard, /Under the pointer: ([\d,.]+) – ([\d,.]+) × ([\d,.]+) in (\d+) levels\./);
  await expect.poll(async () => (await pointed()).length).toBe(4);
  const [from = 0, to = 0, size, count] = await pointed();
  const inRow = book?.bids.filter(([price]) => Number(price) >= from && Number(price) <= to) ?? [];
  expect(inRow.length).toBe(count);
  expect(inRow.reduce((sum, [, each]) => sum + Number(each), 0)).toBeCloseTo(size ?? 0, 3);
  expect(to).toBeLessThan(Number(book?.bids[19]?.[0]));
  await expect.poll(() => requests.filter((url) => url.includes("/book/changes")).length).toBeGreaterThan(0);
  expect(requests.filter((url) => url.includes("/book/changes")).length).toBeLessThan(10);
  expect(dashboard.errors).toEqual([]);
});

test("[DB87] deep levels follow while the tape plays, also after a jump", async ({ cluster, dashboards, skip }) => {
  const { dashboard, id } = await dashboards.openOn(cluster);
  if (!(await bookAt(cluster, 0))) skip("the tape is made up and has no event track: the data folder is absent");
  await dashboard.press("Whole book");
  for (const fraction of [0.2, 0.7]) {
    await cluster.http.control(id, "seek", { fraction });
    await cluster.http.control(id, "start");
    await dashboard.plays();
    await expect.poll(async () => (await knownPrices(dashboard)).length).toBe(2);
    // Nothing but the columns of frames, at a price that no frame has.
    await expect.poll(() => deepShare(dashboard), { timeout: 20_000 }).toBeGreaterThan(0.9);
  }
  expect(dashboard.errors).toEqual([]);
});

/** Of the columns with a book, the share that has levels far from the price: more than one colour in the lowest quarter. */
function deepShare(dashboard: DashboardPage): Promise<number> {
  return dashboard.page.evaluate(() => {
    const canvas = document.querySelector("[data-renderer] canvas");
    if (!(canvas instanceof HTMLCanvasElement)) return 0;
    const { width, height } = canvas;
    const pixels = canvas.getContext("2d")?.getImageData(0, Math.floor(height * 0.75), width, Math.floor(height / 4));
    if (!pixels) return 0;
    const colours = new Uint32Array(pixels.data.buffer);
    let [lit, deep] = [0, 0];
    for (let x = 0; x < width; x++) {
      const inColumn = new Set<number>();
      for (let y = 0; y < pixels.height; y++) inColumn.add(colours[y * width + x] ?? 0);
      if (inColumn.size === 1 && inColumn.has(0)) continue;
      lit++;
      if (inColumn.size > 5) deep++;
    }
    return lit === 0 ? 0 : deep / lit;
  });
}

test("[DB89] the heatmap scrolls through prices by drag and by key, zooms on its axis, and follows the price again", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await dashboard.showsCursor((await view()).cursor_ts);
  // The frames before the jump are loaded, and the prices eased to what they need.
  await expect.poll(async () => (await dashboard.visibleSeqs()).length, { timeout: 15_000 }).toBeGreaterThan(60);
  await settled(dashboard);
  const heightOf = ([low = 0, high = 0]: number[]) => high - low;
  const before = await shownPrices(dashboard);
  /** The view ignores small changes, so it may return to a place a little beside. */
  const isBack = async () => {
    const now = await shownPrices(dashboard);
    return now.every((price, nth) => Math.abs(price - (before[nth] ?? 0)) < heightOf(before) * 0.1);
  };
  const box = await heatmapOf(dashboard).boundingBox();
  if (!box) throw new Error("the heatmap is not visible");
  const { mouse } = dashboard.page;
  await mouse.move(box.x + 200, box.y + 60);
  await mouse.down();
  await mouse.move(box.x + 205, box.y + 160, { steps: 5 });
  await mouse.up();
  await expect.poll(async () => (await shownPrices(dashboard))[0]).toBeGreaterThan(before[0] ?? 0);
  await settled(dashboard);
  expect(heightOf(await shownPrices(dashboard))).toBeCloseTo(heightOf(before), 0);
  await dashboard.press("Follow price");
  await expect.poll(isBack).toBe(true);

  await heatmapOf(dashboard).focus();
  await dashboard.page.keyboard.press("PageDown");
  await expect.poll(async () => (await shownPrices(dashboard))[1]).toBeLessThan(before[1] ?? 0);
  await mouse.dblclick(box.x + 200, box.y + 60);
  await expect.poll(isBack).toBe(true);

  await mouse.move(box.x + box.width - 20, box.y + 60);
  await mouse.wheel(0, 400);
  await expect.poll(async () => heightOf(await shownPrices(dashboard))).toBeGreaterThan(heightOf(before) * 1.2);
  await dashboard.press("Reset zoom");
  await expect.poll(isBack).toBe(true);
  expect(dashboard.errors).toEqual([]);
});

test("[DB89] on a phone one finger scrolls prices, and two zoom them", async ({ cluster, dashboards }) => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const { dashboard, id, view } = await dashboards.openOn(cluster, {}, phone);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await dashboard.showsCursor((await view()).cursor_ts);
  await expect.poll(async () => (await shownPrices(dashboard)).length).toBe(2);
  await settled(dashboard);
  const before = await shownPrices(dashboard);
  const box = await heatmapOf(dashboard).boundingBox();
  if (!box) throw new Error("the heatmap is not visible");
  const cdp = await dashboard.page.context().newCDPSession(dashboard.page);
  /** Fingers at these distances from the middle of the plot, one after the other. */
  const touch = async (...places: readonly (readonly number[])[]) => {
    const points = (offsets: readonly number[]) =>
      offsets.map((offset, id) => ({ id, x: box.x + 120, y: box.y + box.height / 2 + offset }));
    for (const [nth, offsets] of places.entries()) {
      const type = nth === 0 ? "touchStart" : "touchMove";
      await cdp.send("Input.dispatchTouchEvent", { type, touchPoints: points(offsets) });
    }
    await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  };
  await touch([0], [20], [60]);
  await expect.poll(async () => (await shownPrices(dashboard))[0]).toBeGreaterThan(before[0] ?? 0);
  await dashboard.press("Follow price");
  const heightOf = ([low = 0, high = 0]: number[]) => high - low;
  await touch([-80, 80], [-60, 60], [-35, 35]);
  await expect.poll(async () => heightOf(await shownPrices(dashboard))).toBeGreaterThan(heightOf(before) * 1.5);
  // Nothing is wider than the screen, also with all buttons.
  await touch([0], [20], [60]);
  await dashboard.page.getByRole("button", { name: "Follow price" }).waitFor();
  const controls = dashboard.page.getByRole("region", { name: "Depth" }).locator("header");
  expect(await controls.evaluate((header) => header.scrollWidth - header.clientWidth)).toBe(0);
  expect(dashboard.errors).toEqual([]);
});

test("[DB93] without an event track the button for the whole book says why there is none", async ({
  cluster,
  dashboards,
}) => {
  await writeTestTape(new FolderTapeStore(cluster.tapes.folder), { id: "without-track", frames: 600 });
  const { dashboard } = await dashboards.openOn(cluster, { tape: "without-track" });
  const button = dashboard.page.getByRole("button", { name: "Whole book" });
  await expect.poll(() => button.getAttribute("aria-disabled"), { timeout: 20_000 }).toBe("true");
  await button.press("Enter");
  await expect.poll(() => dashboard.toasts()).toContain("This tape has no event track");
  expect(await button.getAttribute("aria-pressed")).toBe("false");
  expect(await knownPrices(dashboard)).toEqual([]);
  expect(dashboard.errors).toEqual([]);
});
