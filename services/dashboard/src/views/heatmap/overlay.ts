import { clockText, priceText, timeTicks } from "../../design/format";
import { themeColour } from "../../design/theme";
import { type FrameLog, follows, type LoggedFrame } from "../../playback/frame-log";
import type { LoggedAnomaly } from "../../playback/frame-values";
import type { TimeWindow } from "../../playback/viewport";
import type { FillMark } from "../../trading/orders/session-trading";
import { canvasFont, type Surface } from "../canvas-surface";
import { type PriceSpan, roundPrices } from "./columns/price-grid";
import { drawFillMarks, drawOrderLines, type OrderLine } from "./order-lines";

export const axisWidth = 68;
export const axisHeight = 20;

interface OverlayScene {
  readonly log: FrameLog;
  readonly window: TimeWindow;
  readonly prices: PriceSpan;
  readonly decimals: number;
  readonly anomalies: readonly LoggedAnomaly[];
  /** In CSS pixels. */
  readonly pointer: { readonly x: number; readonly y: number } | undefined;
  /** Between these prices the book is known, if that is shown; a limit may be infinite. */
  readonly known: PriceSpan | undefined;
  /** What is at a price of a frame, in words; undefined for nothing. */
  readonly textAt: (logged: LoggedFrame, price: number) => string | undefined;
  /** The inspected frame, if any. */
  readonly inspected: LoggedFrame | undefined;
  /** The user's working orders, and fills. */
  readonly orders: readonly OrderLine[];
  readonly fills: readonly FillMark[];
}

/** Lines, axes and crosshair above the heatmap. */
export function drawOverlay({ pen, width, height }: Surface, scene: OverlayScene): void {
  const plot = { width: width - axisWidth, height: height - axisHeight };
  const x = (ms: number) => ((ms - scene.window.from) / (scene.window.to - scene.window.from)) * plot.width;
  const y = (price: number) => ((scene.prices.high - price) / (scene.prices.high - scene.prices.low)) * plot.height;

  pen.save();
  pen.beginPath();
  pen.rect(0, 0, plot.width, plot.height);
  pen.clip();
  drawGaps(pen, scene, x, plot);
  drawBest(pen, scene, x, y);
  drawKnown(pen, scene, y, plot);
  drawAnomalies(pen, scene, x);
  drawOrderLines(pen, scene.orders, { x, y, plot });
  drawFillMarks(pen, scene.fills, scene.window, { x, y, plot });
  pen.restore();
  drawPriceAxis(pen, scene, plot, y);
  drawTimeAxis(pen, scene, plot, x);
  drawInspected(pen, scene, plot, x);
  drawPointer(pen, scene, plot);
}

type Plot = { readonly width: number; readonly height: number };
type Scale = (value: number) => number;

/** Hatches the stretches without frames. */
function drawGaps(pen: CanvasRenderingContext2D, { log, window }: OverlayScene, x: Scale, { height }: Plot): void {
  const last = log.indexAt(window.to);
  for (let index = Math.max(1, log.indexAt(window.from)); index <= last; index++) {
    const here = log.at(index);
    const before = log.at(index - 1);
    if (!here || !before || follows(before, here)) continue;
    const [left, right] = [x(before.ms), x(here.ms)];
    pen.save();
    pen.beginPath();
    pen.rect(left, 0, right - left, height);
    pen.clip();
    pen.strokeStyle = themeColour("--line-strong");
    pen.lineWidth = 1;
    pen.beginPath();
    for (let at = left - height; at < right; at += 9) {
      pen.moveTo(at, height);
      pen.lineTo(at + height, 0);
    }
    pen.stroke();
    pen.restore();
  }
}

function drawBest(pen: CanvasRenderingContext2D, { log, window }: OverlayScene, x: Scale, y: Scale): void {
  const first = Math.max(0, log.indexAt(window.from));
  const last = log.indexAt(window.to);
  const perPixel = (last - first) / Math.max(1, x(window.to));
  const every = Math.max(1, Math.floor(perPixel));
  for (const [side, token] of [
    ["best_bid", "--buy"],
    ["best_ask", "--sell"],
  ] as const) {
    pen.beginPath();
    let level: number | undefined;
    for (let index = first; index <= last; index += every) {
      const logged = log.at(index);
      if (!logged) continue;
      const price = logged.frame[side];
      const at = x(logged.ms);
      if (price === null || (every === 1 && !follows(log.at(index - 1), logged))) level = undefined;
      if (price === null) continue;
      const to = y(price);
      if (level === undefined) pen.moveTo(at, to);
      else {
        if (to !== level) pen.lineTo(at, level);
        pen.lineTo(at, to);
      }
      level = to;
    }
    pen.strokeStyle = themeColour(token);
    pen.lineWidth = 1.2;
    pen.stroke();
  }
}

/** Beyond these lines there may be levels that nobody has said anything about. */
function drawKnown(pen: CanvasRenderingContext2D, { known, prices }: OverlayScene, y: Scale, { width }: Plot): void {
  if (!known) return;
  pen.font = canvasFont(10.5, 500);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  for (const [limit, text, away] of [
    [known.high, "not known in full above", -1],
    [known.low, "not known in full below", 1],
  ] as const) {
    if (!(limit > prices.low && limit < prices.high)) continue;
    const at = Math.round(y(limit)) + 0.5;
    pen.strokeStyle = themeColour("--ink-2");
    pen.lineWidth = 1;
    pen.setLineDash([2, 4]);
    pen.beginPath();
    pen.moveTo(0, at);
    pen.lineTo(width, at);
    pen.stroke();
    pen.setLineDash([]);
    const size = pen.measureText(text).width + 10;
    pen.fillStyle = themeColour("--line-strong");
    pen.beginPath();
    pen.roundRect(6, at + away * 11 - 7.5, size, 15, 3);
    pen.fill();
    pen.fillStyle = themeColour("--ink");
    pen.fillText(text, 11, at + away * 11 + 0.5);
  }
}

function drawAnomalies(pen: CanvasRenderingContext2D, { anomalies, window }: OverlayScene, x: Scale): void {
  for (let index = anomalies.length - 1; index >= 0; index--) {
    const anomaly = anomalies[index];
    if (!anomaly || anomaly.ms < window.from) break;
    const at = x(anomaly.ms);
    pen.fillStyle = themeColour(`--${anomaly.severity}`);
    pen.beginPath();
    pen.moveTo(at - 3.5, 0);
    pen.lineTo(at + 3.5, 0);
    pen.lineTo(at, 6);
    pen.fill();
  }
}

function drawPriceAxis(pen: CanvasRenderingContext2D, scene: OverlayScene, plot: Plot, y: Scale): void {
  pen.font = canvasFont(10.5);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.strokeStyle = themeColour("--line");
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(plot.width + 0.5, 0);
  pen.lineTo(plot.width + 0.5, plot.height);
  pen.stroke();
  const newest = scene.log.last?.frame;
  const tag = newest === undefined ? -100 : y(newest.mid_price);
  pen.fillStyle = themeColour("--ink-3");
  for (const price of roundPrices(scene.prices, Math.max(2, plot.height / 46))) {
    const at = y(price);
    const free = at > 8 && at < plot.height - 6 && Math.abs(at - tag) > 14;
    if (free) pen.fillText(priceText(price, scene.decimals), plot.width + 8, at);
  }
  // A mid price can lie on half a tick.
  if (newest) {
    tagAt(pen, plot.width, tag, newest.mid_price, scene.decimals + 1, "--accent", "--accent-ink");
  }
}

function tagAt(
  pen: CanvasRenderingContext2D,
  left: number,
  at: number,
  price: number,
  decimals: number,
  ground: `--${string}`,
  text: `--${string}`,
): void {
  pen.font = canvasFont(10.5, 600);
  pen.fillStyle = themeColour(ground);
  pen.beginPath();
  pen.roundRect(left + 2, at - 8.5, axisWidth - 4, 17, 3);
  pen.fill();
  pen.fillStyle = themeColour(text);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.fillText(priceText(price, decimals), left + 8, at + 0.5);
}

function drawTimeAxis(pen: CanvasRenderingContext2D, scene: OverlayScene, plot: Plot, x: Scale): void {
  pen.strokeStyle = themeColour("--line");
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(0, plot.height + 0.5);
  pen.lineTo(plot.width, plot.height + 0.5);
  pen.stroke();
  pen.font = canvasFont(10.5);
  pen.fillStyle = themeColour("--ink-3");
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (const { ms, text } of timeTicks(scene.window.from, scene.window.to, plot.width)) {
    const at = x(ms);
    if (at > 30 && at < plot.width - 30) pen.fillText(text, at, plot.height + axisHeight / 2 + 1);
  }
}

function drawInspected(pen: CanvasRenderingContext2D, scene: OverlayScene, plot: Plot, x: Scale): void {
  if (!scene.inspected) return;
  const at = x(scene.inspected.ms);
  if (at < 0 || at > plot.width) return;
  pen.strokeStyle = themeColour("--accent");
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(at, 0);
  pen.lineTo(at, plot.height);
  pen.stroke();
}

function drawPointer(pen: CanvasRenderingContext2D, scene: OverlayScene, plot: Plot): void {
  const { pointer, window, prices, log } = scene;
  if (!pointer || pointer.x > plot.width || pointer.y > plot.height) return;
  pen.strokeStyle = themeColour("--ink-3");
  pen.setLineDash([3, 3]);
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(Math.round(pointer.x) + 0.5, 0);
  pen.lineTo(Math.round(pointer.x) + 0.5, plot.height);
  pen.moveTo(0, Math.round(pointer.y) + 0.5);
  pen.lineTo(plot.width, Math.round(pointer.y) + 0.5);
  pen.stroke();
  pen.setLineDash([]);

  const price = prices.high - (pointer.y / plot.height) * (prices.high - prices.low);
  tagAt(pen, plot.width, pointer.y, price, scene.decimals, "--line-strong", "--ink");
  const ms = window.from + (pointer.x / plot.width) * (window.to - window.from);
  const logged = log.at(log.indexAt(ms));
  const level = logged && scene.textAt(logged, price);
  const text = level === undefined ? clockText(ms) : `${clockText(ms)}   ${level}`;
  pen.font = canvasFont(10.5, 500);
  const size = pen.measureText(text).width + 14;
  const left = Math.min(plot.width - size - 4, Math.max(4, pointer.x - size / 2));
  pen.fillStyle = themeColour("--line-strong");
  pen.beginPath();
  pen.roundRect(left, plot.height - 21, size, 17, 3);
  pen.fill();
  pen.fillStyle = themeColour("--ink");
  pen.textAlign = "left";
  pen.fillText(text, left + 7, plot.height - 12);
}
