import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import { type DashboardPage, type Dashboards, test } from "./dashboard.js";

/** Drawing may be slow on a busy machine. */
const patience = { timeout: 20_000 };

/** Seven windows of 32 s in 222 hours. `at` maps a share of the strip to a point. */
async function sparseDeck(cluster: TestCluster, dashboards: Dashboards) {
  const tape = await cluster.tapes.recorded("sparse");
  const opened = await dashboards.openOn(cluster, { tape: "sparse" });
  const slider = opened.dashboard.page.getByRole("slider", { name: "Position on the tape" });
  const box = await slider.boundingBox();
  if (!box) throw new Error("no scrubber");
  const at = (share: number) => ({ x: box.x + box.width * share, y: box.y + box.height / 2 });
  const windows = [tape.span.firstSeq, ...tape.gaps.map(({ afterSeq }) => afterSeq + 1)];
  const seq = async () => (await opened.view()).controller_state.cursor_seq ?? -1;
  /** Which window the playhead is in, from 0. */
  const window = async () => {
    const here = await seq();
    return windows.findLastIndex((first) => here >= first);
  };
  return { ...opened, tape, slider, box, at, windows, seq, window };
}

/** `2023-01-09 22:18:12` */
function dateAndTime(iso: string): string {
  return iso.slice(0, 19).replace("T", " ");
}

async function press(dashboard: DashboardPage, key: string, times: number): Promise<void> {
  for (let nth = 0; nth < times; nth++) await dashboard.page.keyboard.press(key);
}

test("[DB71] [DB72] each window of a sparse tape has its part of the scrubber, and a click there seeks into it", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, tape, at, box, windows, seq, window, view } = await sparseDeck(cluster, dashboards);
  expect(tape.gaps.length).toBe(6);
  for (const nth of [0, 3, 6, 2]) {
    // In its middle: seven windows of one length, with a break of 14 pixels between them.
    const part = (box.width - 6 * 14) / 7;
    const { x, y } = at((nth * (part + 14) + part / 2) / box.width);
    await dashboard.page.mouse.click(x, y);
    await expect.poll(window, patience).toBe(nth);
    const middle = ((windows[nth] ?? 0) + (windows[nth + 1] ?? tape.span.lastSeq + 1)) / 2;
    await expect.poll(async () => Math.abs((await seq()) - middle), patience).toBeLessThan(12);
    await dashboard.showsCursor((await view()).cursor_ts);
  }
  // A break leads to the nearer of its ends.
  const part = (box.width - 6 * 14) / 7;
  await dashboard.page.mouse.click(box.x + part + 3, at(0).y);
  await expect.poll(seq, patience).toBe((windows[1] ?? 0) - 1);
  await dashboard.page.mouse.click(box.x + part + 11, at(0).y);
  await expect.poll(seq, patience).toBe(windows[1]);
  expect(dashboard.errors).toEqual([]);
});

test("[DB72] a drag over a break and a range across it end where the pointer is released", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, at, box, windows, window, view } = await sparseDeck(cluster, dashboards);
  const part = (box.width - 6 * 14) / 7;
  const middleOf = (nth: number) => at((nth * (part + 14) + part / 2) / box.width);
  await dashboard.page.mouse.move(middleOf(1).x, middleOf(1).y);
  await dashboard.page.mouse.down();
  for (const nth of [2, 3, 4]) await dashboard.page.mouse.move(middleOf(nth).x, middleOf(nth).y, { steps: 5 });
  await expect.poll(window, patience).toBe(4);
  await dashboard.page.mouse.up();
  await dashboard.page.keyboard.down("Shift");
  await dashboard.page.mouse.move(middleOf(2).x, middleOf(2).y);
  await dashboard.page.mouse.down();
  await dashboard.page.mouse.move(middleOf(5).x, middleOf(5).y, { steps: 4 });
  await dashboard.page.mouse.up();
  await dashboard.page.keyboard.up("Shift");
  const seqAt = async (ts: string | null) => {
    const tape = await cluster.tapes.recorded("sparse");
    return tape.seqAt(Number(BigInt(Date.parse(ts ?? "")) * 1_000_000n - tape.startNs));
  };
  await expect.poll(async () => (await view()).controller_state.from_ts, patience).not.toBeNull();
  const { from_ts, to_ts } = (await view()).controller_state;
  const [from, to] = [await seqAt(from_ts), await seqAt(to_ts)];
  expect(windows.findLastIndex((first) => from >= first)).toBe(2);
  expect(windows.findLastIndex((first) => to >= first)).toBe(5);
  expect(Math.abs(from - ((windows[2] ?? 0) + (windows[3] ?? 0)) / 2)).toBeLessThan(12);
});

test("[DB72] [DB74] keys reach every window, and the description for screen readers lists the gaps", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, slider, window, seq, tape, view } = await sparseDeck(cluster, dashboards);
  const described = await slider.getAttribute("aria-describedby");
  const description = await dashboard.page.locator(`[id="${described}"]`).textContent();
  const begins = tape.gaps.map(({ fromNs }) => `1 day 13 hours from ${dateAndTime(tape.iso(fromNs))}`);
  expect(description).toBe(`6 gaps are shortened: ${begins.join("; ")}.`);
  await slider.focus();
  const seen = [await window()];
  for (let nth = 0; nth < 60 && (await seq()) < tape.span.lastSeq; nth++) {
    const before = await seq();
    await press(dashboard, "PageUp", 1);
    await expect.poll(seq, patience).toBeGreaterThan(before);
    await dashboard.showsCursor((await view()).cursor_ts);
    seen.push(await window());
  }
  expect([...new Set(seen)]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  await press(dashboard, "Home", 1);
  await expect.poll(seq, patience).toBe(0);
  await expect.poll(() => slider.getAttribute("aria-valuetext"), patience).toBe(dateAndTime(tape.iso(0)));
});

test("[DB74] pointing at a break shows the duration of the gap, and the slider announces a gap that follows", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, slider, box, windows, seq, tape } = await sparseDeck(cluster, dashboards);
  const part = (box.width - 6 * 14) / 7;
  await dashboard.page.mouse.move(box.x + part + 7, box.y + 30);
  await expect
    .poll(() => slider.getAttribute("data-pointed"), patience)
    .toBe(`Gap of 1 day 13 hours: ${tape.gaps[0]?.reason}`);
  await dashboard.page.mouse.move(box.x + part / 2, box.y + 30);
  await expect.poll(() => slider.getAttribute("data-pointed"), patience).toMatch(/^\d\d:\d\d:\d\d {3}\d/);
  await dashboard.page.mouse.click(box.x + part + 3, box.y + 30);
  await expect.poll(seq, patience).toBe((windows[1] ?? 0) - 1);
  await expect
    .poll(() => slider.getAttribute("aria-valuetext"), patience)
    .toBe(`${dateAndTime(tape.iso(tape.gaps[0]?.fromNs ?? 0))}, before a gap of 1 day 13 hours`);
});
