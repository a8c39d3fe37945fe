import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB20] start, pause, resume, stop, and steps in both directions work", async ({ cluster, dashboards }) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  await dashboard.state("Stopped");
  await dashboard.press("Start");
  await dashboard.state("Playing");
  await dashboard.plays();
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  const here = (await view()).controller_state.cursor_seq ?? 0;
  await dashboard.press("One frame forward");
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBe(here + 1);
  await dashboard.press("One frame back");
  await dashboard.press("One frame back");
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBe(here - 1);
  await dashboard.showsCursor((await view()).cursor_ts);
  await dashboard.press("Resume");
  await dashboard.state("Playing");
  await dashboard.press("Stop and return to the start");
  await dashboard.state("Stopped");
  expect((await view()).controller_state.cursor_seq).toBe(0);
});

test("[DB20] a rewind by a chosen length and a seek to a typed time work", async ({ cluster, dashboards }) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.5 });
  const before = Date.parse((await view()).cursor_ts ?? "");
  await dashboard.press("Choose rewind length");
  await dashboard.page.getByLabel("Other length").fill("0:42");
  await dashboard.page.getByRole("button", { name: "Rewind", exact: true }).click();
  await expect.poll(async () => Date.parse((await view()).cursor_ts ?? "")).toBeLessThanOrEqual(before - 42_000);
  expect(Date.parse((await view()).cursor_ts ?? "")).toBeGreaterThan(before - 44_000);
  await dashboard.press("Rewind 42 s");
  await expect.poll(async () => Date.parse((await view()).cursor_ts ?? "")).toBeLessThanOrEqual(before - 84_000);

  const wanted = new Date(before + 10_000).toISOString();
  await dashboard.press("Go to time");
  await dashboard.page.getByLabel("Go to time (UTC)").fill(wanted.slice(11, 23));
  await dashboard.page.keyboard.press("Enter");
  await expect
    .poll(async () => Math.abs(Date.parse((await view()).cursor_ts ?? "") - before - 10_000))
    .toBeLessThan(1000);
});

test("[DB20] speed is set by preset, by key, and by a custom value", async ({ cluster, dashboards }) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  await dashboard.page.getByRole("radio", { name: "5×", exact: true }).click();
  await expect.poll(async () => (await view()).speed).toBe(5);
  await dashboard.key("ArrowUp");
  await expect.poll(async () => (await view()).speed).toBe(10);
  // Two steps before the page can know of the first.
  await dashboard.page.evaluate(() => {
    for (let n = 0; n < 2; n++)
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true }));
  });
  await expect.poll(async () => (await view()).speed).toBe(50);
  await dashboard.press("Choose speed");
  await dashboard.page.getByLabel("Custom, 0.1 to 1000").fill("7.5");
  await dashboard.page.keyboard.press("Enter");
  await expect.poll(async () => (await view()).speed).toBe(7.5);
  await dashboard.page.getByRole("button", { name: "Choose speed: 7.5×" }).waitFor();
});

test("[DB20] range and loop are set and cleared, and orders need playback", async ({ cluster, dashboards }) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  const state = async () => (await view()).controller_state;
  await cluster.http.control(id, "seek", { fraction: 0.2 });
  await dashboard.showsCursor((await view()).cursor_ts);
  await dashboard.press("Set range start");
  await expect.poll(async () => (await state()).from_ts).not.toBeNull();
  await cluster.http.control(id, "seek", { fraction: 0.6 });
  await dashboard.showsCursor((await view()).cursor_ts);
  await dashboard.press("Set range end");
  await dashboard.press("Loop");
  await expect.poll(async () => (await state()).loop).toBe(true);
  const { from_ts, to_ts } = await state();
  expect(Date.parse(to_ts ?? "")).toBeGreaterThan(Date.parse(from_ts ?? ""));
  await dashboard.press("Clear range");
  await expect.poll(async () => [(await state()).from_ts, (await state()).loop]).toEqual([null, false]);
  await dashboard.page.getByRole("radio", { name: "SIM", exact: true }).click();
  await dashboard.state("Playing");
  await dashboard.press("Pause");
  await dashboard.state("Paused");
  expect(await dashboard.page.getByRole("button", { name: /^Buy/ }).isDisabled()).toBe(true);
});

test("[DB23] the event keys use the filter of the anomaly feed", async ({ cluster, dashboards }) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await dashboard.page.getByRole("tab", { name: "Anomalies" }).click();
  await dashboard.page.getByLabel("Minimum severity").selectOption("low");
  await dashboard.press("Next event");
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBeGreaterThan(0);
  const first = (await view()).controller_state.cursor_seq;
  await dashboard.key("]");
  await expect.poll(async () => (await view()).controller_state.cursor_seq).not.toBe(first);
  await dashboard.key("[");
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBe(first);
  await cluster.http.control(id, "stop");
  await dashboard.state("Stopped");
  await dashboard.press("Previous event");
  await expect.poll(() => dashboard.toasts()).toMatch(/event/);
});

test("[DB21] a click and a drag on the scrubber seek, and shift-drag selects a range", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  const scrubber = dashboard.page.getByRole("slider", { name: "Position on the tape" });
  const box = await scrubber.boundingBox();
  if (!box) throw new Error("there is no scrubber");
  const tape = await cluster.tapes.recorded("usdm");
  const share = async () => ((await view()).controller_state.cursor_seq ?? 0) / tape.span.lastSeq;
  const at = (part: number) => ({ x: box.x + box.width * part, y: box.y + box.height / 2 });
  await dashboard.page.mouse.click(at(0.5).x, at(0.5).y);
  await expect.poll(async () => Math.abs((await share()) - 0.5)).toBeLessThan(0.05);
  await dashboard.page.mouse.move(at(0.5).x, at(0.5).y);
  await dashboard.page.mouse.down();
  for (const part of [0.55, 0.6, 0.7, 0.8]) await dashboard.page.mouse.move(at(part).x, at(part).y);
  // During the drag.
  await expect.poll(async () => Math.abs((await share()) - 0.8)).toBeLessThan(0.05);
  await dashboard.page.mouse.up();
  await dashboard.showsCursor((await view()).cursor_ts);

  await dashboard.page.keyboard.down("Shift");
  await dashboard.page.mouse.move(at(0.25).x, at(0.25).y);
  await dashboard.page.mouse.down();
  await dashboard.page.mouse.move(at(0.75).x, at(0.75).y, { steps: 4 });
  await dashboard.page.mouse.up();
  await dashboard.page.keyboard.up("Shift");
  await expect.poll(async () => (await view()).controller_state.from_ts).not.toBeNull();
  expect((await view()).controller_state.to_ts).not.toBeNull();
});

test("[DB21] the slider announces the time at the start of a tape", async ({ cluster, dashboards }) => {
  const { session_id: id } = await cluster.http.create({ tape: "usdm" });
  await cluster.http.control(id, "pause");
  await cluster.http.control(id, "seek", { seq: 0 });
  const { page } = await dashboards.open(`${cluster.url}/?session=${id}`);
  const scrubber = page.getByRole("slider", { name: "Position on the tape" });
  await expect.poll(() => scrubber.getAttribute("aria-valuetext"), { timeout: 30_000 }).toMatch(/^\d\d:\d\d:\d\d$/);
  expect(await scrubber.getAttribute("aria-valuenow")).toBe("0");
});

test("[DB21] the scrubber is a slider for the keyboard", async ({ cluster, dashboards }) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  const scrubber = dashboard.page.getByRole("slider", { name: "Position on the tape" });
  await scrubber.focus();
  // Keys have no effect before the tape is loaded.
  const moved = async () => {
    await dashboard.page.keyboard.press("PageUp");
    return Number(await scrubber.getAttribute("aria-valuenow"));
  };
  await expect.poll(moved).toBeGreaterThan(8);
  await dashboard.page.keyboard.press("End");
  const tape = await cluster.tapes.recorded("usdm");
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBe(tape.span.lastSeq);
  await expect.poll(async () => (await view()).state).not.toBe("PLAYING"); // the tape has ended
  await dashboard.page.keyboard.press("Home");
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBe(0);
  expect(await scrubber.getAttribute("aria-valuetext")).toMatch(/^\d\d:\d\d:\d\d$/);
});

test("[DB22] every shortcut in the help works", async ({ cluster, dashboards }) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.5 });
  const seq = async () => (await view()).controller_state.cursor_seq ?? 0;
  const ms = async () => Date.parse((await view()).cursor_ts ?? "");
  await dashboard.showsCursor((await view()).cursor_ts);
  const [middle, at] = [await seq(), await ms()];
  await dashboard.key("Shift+ArrowLeft");
  await expect.poll(async () => Math.abs((await ms()) - at + 10_000)).toBeLessThan(500);
  await dashboard.settledClock();
  await dashboard.key("Shift+ArrowRight");
  await expect.poll(async () => Math.abs((await ms()) - at)).toBeLessThan(500);
  await dashboard.settledClock();
  await dashboard.key("i");
  // At the shown frame, which is slightly before the playhead.
  await expect.poll(async () => (await view()).controller_state.from_ts?.slice(11, 23)).toBe(await dashboard.clock());
  await cluster.http.control(id, "seek", { fraction: 0.6 });
  await dashboard.showsCursor((await view()).cursor_ts);
  await dashboard.key("o");
  await expect.poll(async () => (await view()).controller_state.to_ts?.slice(11, 23)).toBe(await dashboard.clock());
  await dashboard.key("p");
  await expect.poll(async () => (await view()).controller_state).toMatchObject({ from_ts: null, to_ts: null });
  for (const [key, speed] of [
    ["ArrowUp", 2],
    ["ArrowDown", 1],
    ["ArrowDown", 0.5],
  ] as const) {
    await dashboard.key(key);
    await expect.poll(async () => (await view()).speed).toBe(speed);
  }
  await dashboard.page.getByRole("tab", { name: "Anomalies" }).click();
  await dashboard.page.getByLabel("Minimum severity").selectOption("low");
  await dashboard.key("[");
  await expect.poll(seq).toBeLessThan(middle * 1.2);
  const event = await seq();
  await dashboard.key("]");
  await expect.poll(seq).toBeGreaterThan(event);
  await dashboard.key("Home");
  await dashboard.state("Stopped");
  expect(await seq()).toBe(0);
  const theme = () => dashboard.page.evaluate(() => document.documentElement.dataset.theme);
  const before = await theme();
  await dashboard.key("t");
  expect(await theme()).not.toBe(before);
});

test("[DB22] the whole page can be used by keyboard", async ({ cluster, dashboards }) => {
  const { dashboard, view } = await dashboards.openOn(cluster);
  await dashboard.key(" ");
  await dashboard.state("Playing");
  await dashboard.key(" ");
  await dashboard.state("Paused");
  const here = (await view()).controller_state.cursor_seq ?? 0;
  await dashboard.key("ArrowRight");
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBe(here + 1);
  await dashboard.key("ArrowLeft");
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBe(here);
  await dashboard.key("l");
  await expect.poll(async () => (await view()).controller_state.loop).toBe(true);
  await dashboard.key("?");
  await dashboard.page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await dashboard.page.keyboard.press("Escape");
  await dashboard.page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor({ state: "hidden" });
  // In a text field, keys are text.
  await dashboard.press("Choose a tape");
  await dashboard.page.getByLabel("Search tapes").pressSequentially("l l");
  expect((await view()).controller_state.loop).toBe(true);
  expect((await view()).state).toBe("PAUSED");
  await dashboard.page.keyboard.press("Escape");

  // Tab reaches every control, and each has a name.
  await dashboard.page.evaluate(() => window.focus());
  const reached: string[] = [];
  for (let n = 0; n < 90; n++) {
    await dashboard.page.keyboard.press("Tab");
    const name = await dashboard.page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body) return "(the page)";
      return element.getAttribute("aria-label") ?? element.textContent;
    });
    reached.push(name.trim());
  }
  for (const name of [
    ...["REPLAY", "Choose a tape", "Session", "Operations", "Export", "Keyboard shortcuts and help"],
    ...["Resize depth", "Reset zoom", "Trades, newest first", "Position on the tape", "Go to time"],
    ...[
      "Stop and return to the start",
      "Choose rewind length",
      "Resume",
      "Next event",
      "Faster",
      "Set range start",
      "Loop",
    ],
  ]) {
    expect(
      reached.filter((one) => one === name || one.startsWith(`${name}: `)),
      name,
    ).not.toEqual([]);
  }
  expect(reached).not.toContain("");
});

test("[DB24] a session in lossless pace says so instead of a speed, and returns to the clock", async ({
  cluster,
  dashboards,
}) => {
  const { dashboard, view } = await dashboards.openOn(cluster, { pace: "lossless", speed: 50 });
  await dashboard.page.getByText("Lossless pace, at most 50×").waitFor();
  expect(await dashboard.page.getByRole("radiogroup", { name: "Speed" }).count()).toBe(0);
  await dashboard.press("By the clock");
  await dashboard.page.getByRole("radiogroup", { name: "Speed" }).waitFor();
  expect((await view()).pace).toBeUndefined();
  await dashboard.press("Start");
  await dashboard.plays();
});
