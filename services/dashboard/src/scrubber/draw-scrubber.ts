import type { SessionView, TapeOverview, TapeView } from "@tapedeck/client";
import { clockText, spanWords } from "../design/format";
import { themeColour } from "../design/theme";
import type { FrameLog } from "../playback/frame-log";
import { rankOf } from "../playback/frame-values";
import { canvasFont, pixelRatio, type Surface } from "../views/canvas-surface";
import { type AxisGap, gapsOf, type TapeAxis, timeLabels } from "./tape-axis";

export interface ScrubberScene {
  readonly axis: TapeAxis;
  readonly tape: TapeView;
  readonly overview: TapeOverview | undefined;
  readonly session: SessionView;
  readonly log: FrameLog;
  /** Where the playhead is, or where it is dragged to. */
  readonly at: number | undefined;
  /** Time of the inspected frame. */
  readonly inspectedMs: number | undefined;
  readonly pointerX: number | undefined;
  /** The events of the overview that pass the filter. */
  readonly events: TapeOverview["events"];
  /** A range that is being selected. */
  readonly selection: readonly [number, number] | undefined;
}

const eventBand = 9;
const axisBand = 14;

/** The tape itself, which changes rarely. Drawn twice: bright for the played part, dim for the rest. */
export function drawTape({ pen, width, height }: Surface, scene: ScrubberScene, tone: "played" | "ahead"): void {
  const { axis } = scene;
  const top = eventBand + 2;
  const bottom = height - axisBand;
  drawGaps(pen, axis, gapsOf(scene.tape), top, bottom);
  drawLine(pen, pricesOf(scene), axis, top, bottom, tone === "played" ? "--accent" : "--ink-3");
  drawEvents(pen, scene);
  drawBreaks(pen, axis, top, height);
  drawTimes(pen, axis, width, height);
}

/** What moves: range, playhead, pointer. `tape` holds the pictures from `drawTape`. */
export function drawScrubber(
  surface: Surface,
  scene: ScrubberScene,
  tape: { readonly played: HTMLCanvasElement; readonly ahead: HTMLCanvasElement },
): void {
  const { pen, height } = surface;
  const bottom = height - axisBand;
  const at = scene.at === undefined ? undefined : scene.axis.xOf(scene.at);
  drawRange(pen, scene, height);
  const cut = Math.round((at ?? 0) * pixelRatio());
  const rest = tape.ahead.width - cut;
  if (cut > 0) pen.drawImage(tape.played, 0, 0, cut, tape.played.height, 0, 0, cut / pixelRatio(), height);
  if (rest > 0)
    pen.drawImage(tape.ahead, cut, 0, rest, tape.ahead.height, cut / pixelRatio(), 0, rest / pixelRatio(), height);
  drawInspected(pen, scene, bottom);
  if (at !== undefined) drawPlayhead(pen, at, height);
  drawPointer(surface, scene, bottom);
}

interface LinePoint {
  readonly ms: number;
  readonly price: number;
  readonly low: number;
  readonly high: number;
}

const parsed = new WeakMap<TapeOverview, readonly LinePoint[]>();

/** The price line of the overview, else of the frames in the log. */
function pricesOf({ overview, log }: ScrubberScene): readonly LinePoint[] {
  if (overview) {
    let points = parsed.get(overview);
    if (!points) {
      points = overview.points.map(({ ts, price, low, high }) => ({ ms: Date.parse(ts), price, low, high }));
      parsed.set(overview, points);
    }
    // A growing tape has frames that are not in the overview yet.
    const known = points.at(-1)?.ms ?? 0;
    return (log.last?.ms ?? 0) > known ? [...points, ...pointsOf(log, log.indexAt(known) + 1)] : points;
  }
  return pointsOf(log, 0);
}

function pointsOf(log: FrameLog, from: number): LinePoint[] {
  const points: LinePoint[] = [];
  const every = Math.max(1, Math.floor((log.length - from) / 600));
  for (let index = from; index < log.length; index += every) {
    const logged = log.at(index);
    if (!logged) continue;
    const price = logged.frame.mid_price;
    points.push({ ms: logged.ms, price, low: price, high: price });
  }
  return points;
}

function drawRange(pen: CanvasRenderingContext2D, { axis, session, selection }: ScrubberScene, height: number): void {
  const { from_ts, to_ts } = session.controller_state;
  if (from_ts === null && to_ts === null && !selection) return;
  const from = selection ? Math.min(...selection) : from_ts === null ? axis.span.from : Date.parse(from_ts);
  const to = selection ? Math.max(...selection) : to_ts === null ? axis.span.to : Date.parse(to_ts);
  const [left, right] = [axis.xOf(from), axis.xOf(to)];
  pen.fillStyle = themeColour("--accent-dim");
  pen.fillRect(left, 0, Math.max(1, right - left), height - axisBand);
  pen.fillStyle = themeColour("--accent");
  pen.fillRect(left, 0, 1.5, height - axisBand);
  pen.fillRect(right - 1.5, 0, 1.5, height - axisBand);
}

function drawLine(
  pen: CanvasRenderingContext2D,
  points: readonly LinePoint[],
  axis: TapeAxis,
  top: number,
  bottom: number,
  token: `--${string}`,
): void {
  if (points.length < 2) return;
  let [low, high] = [Infinity, -Infinity];
  for (const point of points) {
    low = Math.min(low, point.low);
    high = Math.max(high, point.high);
  }
  const y = (price: number) => bottom - 2 - ((price - low) / (high - low || 1)) * (bottom - top - 4);
  for (const line of linesOf(points, axis)) {
    const [first, last] = [line[0], line.at(-1)];
    if (!first || !last) continue;
    pen.save();
    pen.beginPath();
    for (const { x, price } of line) pen.lineTo(x, y(price));
    pen.strokeStyle = themeColour(token);
    pen.lineWidth = 1.2;
    pen.lineJoin = "round";
    pen.stroke();
    pen.lineTo(last.x, bottom);
    pen.lineTo(first.x, bottom);
    pen.globalAlpha = 0.1;
    pen.fillStyle = themeColour(token);
    pen.fill();
    pen.restore();
  }
}

interface Corner {
  readonly x: number;
  readonly price: number;
}

/** One line for a tape without breaks, else one for each window. */
function linesOf(points: readonly LinePoint[], axis: TapeAxis): Corner[][] {
  const corners = (some: readonly LinePoint[]) => some.map(({ ms, price }) => ({ x: axis.xOf(ms), price }));
  if (axis.breaks.length === 0) return [corners(points)];
  let [next, price] = [0, points[0]?.price ?? 0];
  return axis.windows.map(({ toMs, left, right }) => {
    const begin = next;
    while (next < points.length && (points[next]?.ms ?? 0) <= toMs) next++;
    const own = points.slice(begin, next);
    const first = own[0]?.price ?? price;
    price = own.at(-1)?.price ?? price;
    return [{ x: left, price: first }, ...corners(own), { x: right, price }];
  });
}

function drawEvents(pen: CanvasRenderingContext2D, { axis, events }: ScrubberScene): void {
  for (const event of events) {
    const rank = rankOf(event.severity);
    pen.fillStyle = themeColour(`--${event.severity}`);
    pen.globalAlpha = rank <= 1 ? 0.55 : 1;
    const size = rank === 0 ? 3 : rank === 1 ? 4 : 8;
    pen.fillRect(axis.xOf(Date.parse(event.ts)) - 0.75, eventBand - size, 1.5, size);
  }
  pen.globalAlpha = 1;
}

function drawTimes(pen: CanvasRenderingContext2D, axis: TapeAxis, width: number, height: number): void {
  pen.font = canvasFont(10);
  pen.fillStyle = themeColour("--ink-3");
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  for (const { left, text } of timeLabels(axis, (text) => pen.measureText(text).width)) {
    if (left >= 0 && left < width) pen.fillText(text, left, height - axisBand / 2 + 1);
  }
}

function drawInspected(pen: CanvasRenderingContext2D, { axis, inspectedMs }: ScrubberScene, bottom: number): void {
  if (inspectedMs === undefined) return;
  const x = axis.xOf(inspectedMs);
  pen.strokeStyle = themeColour("--info");
  pen.setLineDash([2, 2]);
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x, 0);
  pen.lineTo(x, bottom);
  pen.stroke();
  pen.setLineDash([]);
}

function drawPlayhead(pen: CanvasRenderingContext2D, at: number, height: number): void {
  pen.fillStyle = themeColour("--ink");
  pen.fillRect(at - 0.75, 0, 1.5, height - axisBand);
  pen.beginPath();
  pen.moveTo(at - 5, 0);
  pen.lineTo(at + 5, 0);
  pen.lineTo(at + 5, 5);
  pen.lineTo(at, 10);
  pen.lineTo(at - 5, 5);
  pen.fill();
}

function drawPointer({ pen, width }: Surface, scene: ScrubberScene, bottom: number): void {
  const { pointerX, axis } = scene;
  if (pointerX === undefined) return;
  pen.strokeStyle = themeColour("--ink-2");
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(Math.round(pointerX) + 0.5, 0);
  pen.lineTo(Math.round(pointerX) + 0.5, bottom);
  pen.stroke();
  const text = pointedText(scene, pointerX);
  pen.font = canvasFont(11, 500);
  const size = pen.measureText(text).width + 14;
  const left = Math.min(axis.width - size - 2, Math.max(2, pointerX - size / 2));
  pen.fillStyle = themeColour("--line-strong");
  pen.beginPath();
  pen.roundRect(left, 12, Math.min(size, width), 19, 4);
  pen.fill();
  pen.fillStyle = themeColour("--ink");
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText(text, left + 7, 22);
}

/** Time and price under the pointer, or the gap there. */
export function pointedText(scene: ScrubberScene, pointerX: number): string {
  const within = scene.axis.breakAt(pointerX);
  if (within) return `Gap of ${spanWords(within.toMs - within.fromMs)}: ${within.reason}`;
  const ms = scene.axis.msOf(pointerX);
  const price = pricesOf(scene).findLast((point) => point.ms <= ms)?.price;
  return `${clockText(ms, 0)}${price === undefined ? "" : `   ${price}`}`;
}

/** Hatches the gaps that are drawn to scale. */
export function drawGaps(
  pen: CanvasRenderingContext2D,
  axis: TapeAxis,
  gaps: readonly AxisGap[],
  top: number,
  bottom: number,
): void {
  const broken = new Set(axis.breaks.map(({ fromMs }) => fromMs));
  for (const { fromMs, toMs } of gaps) {
    if (broken.has(fromMs)) continue;
    const left = axis.xOf(fromMs);
    const size = Math.max(2, axis.xOf(toMs) - left);
    pen.fillStyle = themeColour("--pressed");
    pen.fillRect(left, top - 2, size, bottom - top + 2);
    pen.save();
    pen.beginPath();
    pen.rect(left, top - 2, size, bottom - top + 2);
    pen.clip();
    pen.strokeStyle = themeColour("--line-strong");
    pen.beginPath();
    for (let at = left - 60; at < left + size; at += 6) {
      pen.moveTo(at, bottom);
      pen.lineTo(at + 60, bottom - 60);
    }
    pen.stroke();
    pen.restore();
  }
}

/** Height of the zigzag of torn edges. */
const toothHeight = 5;

/** Breaks look like a torn strip. */
function drawBreaks(pen: CanvasRenderingContext2D, axis: TapeAxis, top: number, height: number): void {
  pen.lineWidth = 1;
  for (const { left, right } of axis.breaks) {
    const depth = Math.min(3, (right - left) / 4);
    const edge = (x: number) => {
      for (let [y, nth] = [top - 2, 0]; y <= height; y += toothHeight, nth++) pen.lineTo(x + (nth % 2 ? depth : 0), y);
    };
    pen.fillStyle = themeColour("--ground");
    pen.fillRect(left + depth / 2, top - 2, right - left - depth, height - top + 2);
    pen.strokeStyle = themeColour("--ink-3");
    for (const x of [left, right - depth]) {
      pen.beginPath();
      edge(x);
      pen.stroke();
    }
  }
}
