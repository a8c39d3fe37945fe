import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[DB46] visible frames are exported as recorded, and as a table", async ({ cluster, dashboards }) => {
  const truth = await cluster.recording("usdm");
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.5 });
  await dashboard.showsCursor((await view()).cursor_ts);
  await expect.poll(async () => (await dashboard.visibleSeqs()).length, { timeout: 15_000 }).toBeGreaterThan(60);
  const frames = await dashboard.visibleFrames();
  expect(frames).toEqual(frames.map(({ seq }) => truth.frame(seq)));

  const [head = "", ...lines] = (await dashboard.exported("Frames, CSV")).split("\r\n");
  expect(head).toMatch(/^timestamp,seq,symbol,mid_price,.*bid_price_20,bid_size_20,ask_price_20,ask_size_20$/);
  const names = head.split(",");
  const table = lines.map((line) => Object.fromEntries(line.split(",").map((cell, nth) => [names[nth], cell])));
  expect(table.map(({ seq }) => Number(seq))).toEqual(frames.map(({ seq }) => seq));
  for (const [nth, row] of table.entries()) {
    const { timestamp, mid_price, spread, vpin, bids, asks, trades } = frames[nth] ?? truth.frame(0);
    expect(row).toMatchObject({
      timestamp,
      mid_price: String(mid_price),
      spread: String(spread),
      vpin: String(vpin),
      trades: String(trades.length),
      bid_price_1: String(bids[0]?.[0]),
      bid_size_1: String(bids[0]?.[1]),
      ask_price_20: String(asks[19]?.[0]),
      ask_size_20: String(asks[19]?.[1]),
    });
  }

  const [first, ...trades] = (await dashboard.exported("Trades, CSV")).split("\r\n");
  expect(first).toBe("timestamp,symbol,seq,price,size,side,own,mid_price,effective_spread");
  expect(trades.map((line) => line.split(",").slice(0, 7).join(","))).toEqual(
    frames.flatMap(({ seq, symbol, trades: made }) =>
      made.map(({ timestamp, price, size, side }) => [timestamp, symbol, seq, price, size, side, false].join(",")),
    ),
  );
  // The effective spread of the last trade is always the frame's own.
  const spreads = new Map(trades.map((line) => [Number(line.split(",")[2]), line.split(",")[8]]));
  for (const { seq, trades: made, effective_spread } of frames) {
    if (made.length > 0) expect([seq, spreads.get(seq)]).toEqual([seq, String(effective_spread ?? "")]);
  }
});

test("[DB46] the charts are exported as one picture, named after symbol and time", async ({ cluster, dashboards }) => {
  const { dashboard, id, view } = await dashboards.openOn(cluster);
  await cluster.http.control(id, "seek", { fraction: 0.5 });
  await dashboard.showsCursor((await view()).cursor_ts);
  await expect.poll(async () => (await dashboard.visibleSeqs()).length, { timeout: 15_000 }).toBeGreaterThan(60);
  const sizes = await dashboard.page.evaluate(() =>
    ["Price", "Depth"].map((title) => {
      const section = [...document.querySelectorAll("section")].find(
        (one) => one.querySelector("h2")?.textContent === title,
      );
      const { width = 0, height = 0 } = section?.querySelector("[role=img]")?.getBoundingClientRect() ?? {};
      return { width: Math.round(width), height: Math.round(height) };
    }),
  );
  const png = await dashboard.exportedBytes("Charts, PNG");
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  const [price, depth] = sizes;
  expect(png.readUInt32BE(16)).toBeGreaterThanOrEqual((price?.width ?? 0) - 2);
  expect(Math.abs(png.readUInt32BE(20) - (price?.height ?? 0) - (depth?.height ?? 0) - 50)).toBeLessThan(8);
  // The price line has few colours, the heatmap many: both are in the picture.
  const colours = await dashboard.page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const pen = canvas.getContext("2d");
    pen?.drawImage(image, 0, 0);
    const half = Math.floor(image.height * 0.36);
    return [
      [40, half - 40],
      [half + 20, image.height - half - 60],
    ].map(([y = 0, height = 1]) => {
      const data = pen?.getImageData(0, y, image.width - 80, height).data ?? new Uint8ClampedArray();
      return new Set(new Uint32Array(data.buffer)).size;
    });
  }, png.toString("base64"));
  expect(colours[0]).toBeGreaterThan(5);
  expect(colours[1]).toBeGreaterThan(20);
  expect(dashboard.saved).toMatch(/^tapedeck-BTCUSDT-2024-07-18T\d{6}\.png$/);
});
