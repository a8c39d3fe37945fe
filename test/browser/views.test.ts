import { expect } from "vitest";
import { type ShownDeck, test } from "./dashboard.js";

/** How many different colours a canvas shows. */
function coloursOf(deck: ShownDeck, selector: string): Promise<number> {
  return deck.page.evaluate((found) => {
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

test("[DB41] all views show what is there", async ({ cluster, decks }) => {
  const { deck, id } = await decks.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await deck.press("Resume");
  await deck.plays();
  await deck.page.locator("[role=row]:has-text('.') >> nth=3").waitFor();
  await deck.press("Pause");
  await deck.state("Paused");
  for (const view of ["Price", "Depth", "Ladder", "Signals"]) {
    const canvas = `section:has(h2:text-is("${view}")) canvas`;
    await deck.page.locator(canvas).first().waitFor();
  }
  await expect.poll(() => coloursOf(deck, "[data-renderer] canvas")).toBeGreaterThan(20);
  await expect.poll(() => coloursOf(deck, "[aria-label^='Order book of']")).toBeGreaterThan(20);
  await expect.poll(() => coloursOf(deck, "[data-gauge=imbalance] canvas")).toBeGreaterThan(5);
  expect(deck.troubles).toEqual([]);
});

test("[DB44] the heatmap is the same on a graphics card and on plain canvas", async ({ cluster, decks }) => {
  const { deck, id } = await decks.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await deck.standsAt((await cluster.http.session(id)).cursor_ts);
  const shares: number[] = [];
  for (const renderer of ["canvas", "webgl"] as const) {
    await deck.page.goto(`${cluster.url}/?session=${id}&heatmap=${renderer}`);
    await deck.page.locator(`[data-renderer=${renderer}]`).waitFor();
    await expect.poll(() => deck.clock(), { timeout: 20_000 }).toMatch(/^\d\d:/);
    await deck.settledClock();
    shares.push(await litShare(deck));
  }
  const [canvas = 0, webgl = 0] = shares;
  expect(canvas).toBeGreaterThan(0.02);
  expect(Math.abs(webgl - canvas)).toBeLessThan(0.01);
});

/** Which share of the heatmap is lit, as the exported picture shows it: WebGL keeps nothing to be read later. */
async function litShare(deck: ShownDeck): Promise<number> {
  const png = await deck.exportedBytes("Charts, PNG");
  return deck.page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const pen = canvas.getContext("2d");
    if (!pen) return -1;
    pen.drawImage(image, 0, 0);
    // The lower half is the heatmap; its ground is nearly black.
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

test("[DB42] pointing at a past moment shows it in all views while the deck stands; a click pins it", async ({
  cluster,
  decks,
}) => {
  const { deck, id, view } = await decks.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.4 });
  await deck.standsAt((await view()).cursor_ts);
  const cursor = (await view()).controller_state.cursor_seq ?? 0;
  await deck.page.getByRole("tab", { name: "Inspector" }).click();
  const inspector = deck.page.getByRole("tabpanel");
  await inspector.getByText(new RegExp(`seq ${cursor}$`)).waitFor();
  const seqShown = async () => Number(/seq (\d+)/.exec((await inspector.textContent()) ?? "")?.[1]);

  const box = await deck.page.locator("[data-renderer]").boundingBox();
  if (!box) throw new Error("there is no heatmap");
  await deck.page.mouse.move(box.x + (box.width - 68) * 0.9, box.y + box.height * 0.4);
  await expect.poll(seqShown).toBeLessThan(cursor);
  const pointed = await seqShown();
  await deck.page.mouse.click(box.x + (box.width - 68) * 0.9, box.y + box.height * 0.4);
  await deck.page.mouse.move(5, 5);
  expect(await seqShown()).toBe(pointed);
  await deck.page.getByText(/before the playhead/).waitFor();
  await deck.key(",");
  await expect.poll(seqShown).toBe(pointed - 1);
  await deck.key(".");
  await expect.poll(seqShown).toBe(pointed);
  // The playhead has not moved by it.
  expect((await view()).controller_state.cursor_seq).toBe(cursor);
  await deck.key("Escape");
  await expect.poll(seqShown).toBe(cursor);

  await deck.key(",");
  await deck.page.getByRole("button", { name: "Seek here" }).first().click();
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBe(cursor - 1);
});

test("[DB40] a step back leaves what is in sight; a jump fetches what led up to it", async ({ cluster, decks }) => {
  const { deck, id, view } = await decks.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.5 });
  await deck.standsAt((await view()).cursor_ts);
  const cursor = (await view()).controller_state.cursor_seq ?? 0;
  await expect.poll(async () => (await deck.seqsInSight()).length, { timeout: 15_000 }).toBeGreaterThan(60);
  const before = await deck.seqsInSight();
  expect(before).toEqual(before.map((_, nth) => (before[0] ?? 0) + nth));
  expect(before.at(-1)).toBe(cursor);
  await deck.press("One frame back");
  await expect.poll(async () => (await deck.seqsInSight()).at(-1)).toBe(cursor - 1);
  const after = await deck.seqsInSight();
  expect(after.length).toBeGreaterThanOrEqual(before.length - 1);
});

test("[DB45] an anomaly leads to its place on the tape", async ({ cluster, decks }) => {
  const { deck, id, view } = await decks.openOn(cluster);
  await deck.page.getByRole("tab", { name: "Anomalies" }).click();
  await deck.page.getByLabel("Least severity").selectOption("low");
  await cluster.http.control(id, "seek", { event: "next", min_severity: "low" });
  const at = (await view()).controller_state.cursor_seq ?? 0;
  await cluster.http.control(id, "step", { frames: 20 });
  const feed = deck.page.getByRole("list", { name: "Anomalies, newest first" });
  await feed.getByRole("button").last().click();
  await expect.poll(async () => (await view()).controller_state.cursor_seq).toBeLessThanOrEqual(at);
  await deck.page.getByLabel("Least severity").selectOption("critical");
  await deck.page.getByText("Nothing noticed in this stretch of the tape.").waitFor();
});

test("[DB46] what is in sight is exported as CSV, JSON and PNG", async ({ cluster, decks }) => {
  const { deck, id, view } = await decks.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.5 });
  await deck.standsAt((await view()).cursor_ts);
  await expect.poll(async () => (await deck.seqsInSight()).length, { timeout: 15_000 }).toBeGreaterThan(60);
  const seqs = await deck.seqsInSight();
  const [head = "", ...lines] = (await deck.exported("Frames, CSV")).split("\r\n");
  expect(head).toMatch(/^timestamp,seq,symbol,mid_price,.*bid_price_20,bid_size_20,ask_price_20,ask_size_20$/);
  expect(lines.map((line) => Number(line.split(",")[1]))).toEqual(seqs);
  expect((await deck.exported("Trades, CSV")).split("\r\n")[0]).toBe("timestamp,symbol,seq,price,size,side,own");
  const png = await deck.exportedBytes("Charts, PNG");
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect(png.length).toBeGreaterThan(5000);
});
