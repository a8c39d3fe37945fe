import type { SessionView, TapeOverview } from "@tapedeck/client";
import type { FrameLog } from "../deck/frame-log";
import { rankOf } from "../deck/frame-values";
import { clockText } from "../design/format";
import { ink } from "../design/theme";
import { canvasFont, pixelRatio, type Surface } from "../views/surface";
import { timeTicks } from "../views/time-axis";
import { type Extent, placeIn } from "./extent";

export interface ScrubberScene {
  readonly extent: Extent;
  readonly overview: TapeOverview | undefined;
  readonly session: SessionView;
  readonly log: FrameLog;
  /** Where the playhead is, or where it is being dragged to. */
  readonly at: number | undefined;
  /** Seq of the past frame that the views show. */
  readonly inspectedMs: number | undefined;
  readonly pointerX: number | undefined;
  /** A range being drawn with the pointer. */
  readonly selection: readonly [number, number] | undefined;
}

const eventBand = 9;
const axisBand = 14;

/** The tape itself: what only changes when another tape, stretch or size is shown. Twice: as played, and as still to come. */
export function drawTape({ pen, width, height }: Surface, scene: ScrubberScene, tone: "played" | "ahead"): void {
  const x = (ms: number) => placeIn(scene.extent, ms) * width;
  const top = eventBand + 2;
  const bottom = height - axisBand;
  drawGaps(pen, scene, x, top, bottom);
  drawLine(pen, pricesOf(scene), x, top, bottom, tone === "played" ? "--accent" : "--ink-3");
  drawEvents(pen, scene, x);
  drawTimes(pen, scene, x, width, height);
}

/** What moves: range, playhead, pointer. `tape` are the pictures that `drawTape` has made. */
export function drawScrubber(
  surface: Surface,
  scene: ScrubberScene,
  tape: { readonly played: HTMLCanvasElement; readonly ahead: HTMLCanvasElement },
): void {
  const { pen, width, height } = surface;
  const x = (ms: number) => placeIn(scene.extent, ms) * width;
  const bottom = height - axisBand;
  const at = scene.at === undefined ? undefined : x(scene.at);
  drawRange(pen, scene, x, height);
  // What has been played is bright, what is to come is dim.
  const cut = Math.round((at ?? 0) * pixelRatio());
  const rest = tape.ahead.width - cut;
  if (cut > 0) pen.drawImage(tape.played, 0, 0, cut, tape.played.height, 0, 0, cut / pixelRatio(), height);
  if (rest > 0)
    pen.drawImage(tape.ahead, cut, 0, rest, tape.ahead.height, cut / pixelRatio(), 0, rest / pixelRatio(), height);
  drawInspected(pen, scene, x, bottom);
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

/** The tape's line; where it has none, that of the frames seen so far. */
function pricesOf({ overview, log }: ScrubberScene): readonly LinePoint[] {
  if (overview) {
    let points = parsed.get(overview);
    if (!points) {
      points = overview.points.map(({ ts, price, low, high }) => ({ ms: Date.parse(ts), price, low, high }));
      parsed.set(overview, points);
    }
    // A growing tape has frames that the overview does not know of yet.
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

type Scale = (ms: number) => number;

function drawRange(pen: CanvasRenderingContext2D, scene: ScrubberScene, x: Scale, height: number): void {
  const { from_ts, to_ts } = scene.session.controller_state;
  const chosen = scene.selection;
  if (from_ts === null && to_ts === null && !chosen) return;
  const from = chosen ? Math.min(...chosen) : from_ts === null ? scene.extent.from : Date.parse(from_ts);
  const to = chosen ? Math.max(...chosen) : to_ts === null ? scene.extent.to : Date.parse(to_ts);
  pen.fillStyle = ink("--accent-dim");
  pen.fillRect(x(from), 0, Math.max(1, x(to) - x(from)), height - axisBand);
  pen.fillStyle = ink("--accent");
  pen.fillRect(x(from), 0, 1.5, height - axisBand);
  pen.fillRect(x(to) - 1.5, 0, 1.5, height - axisBand);
}

function drawGaps(
  pen: CanvasRenderingContext2D,
  { overview }: ScrubberScene,
  x: Scale,
  top: number,
  bottom: number,
): void {
  for (const gap of overview?.gaps ?? []) {
    const left = x(Date.parse(gap.from));
    const size = Math.max(2, x(Date.parse(gap.to)) - left);
    pen.fillStyle = ink("--pressed");
    pen.fillRect(left, top - 2, size, bottom - top + 2);
    pen.save();
    pen.beginPath();
    pen.rect(left, top - 2, size, bottom - top + 2);
    pen.clip();
    pen.strokeStyle = ink("--line-strong");
    pen.beginPath();
    for (let at = left - 60; at < left + size; at += 6) {
      pen.moveTo(at, bottom);
      pen.lineTo(at + 60, bottom - 60);
    }
    pen.stroke();
    pen.restore();
  }
}

function drawLine(
  pen: CanvasRenderingContext2D,
  points: readonly LinePoint[],
  x: Scale,
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
  pen.save();
  pen.beginPath();
  for (const point of points) pen.lineTo(x(point.ms), y(point.price));
  pen.strokeStyle = ink(token);
  pen.lineWidth = 1.2;
  pen.lineJoin = "round";
  pen.stroke();
  pen.lineTo(x(points.at(-1)?.ms ?? 0), bottom);
  pen.lineTo(x(points[0]?.ms ?? 0), bottom);
  pen.globalAlpha = 0.1;
  pen.fillStyle = ink(token);
  pen.fill();
  pen.restore();
}

function drawEvents(pen: CanvasRenderingContext2D, { overview }: ScrubberScene, x: Scale): void {
  for (const event of overview?.events ?? []) {
    const rank = rankOf(event.severity);
    if (rank === 0) continue;
    pen.fillStyle = ink(rank === 1 ? "--medium" : rank === 2 ? "--high" : "--critical");
    pen.globalAlpha = rank === 1 ? 0.55 : 1;
    const size = rank === 1 ? 4 : 8;
    pen.fillRect(x(Date.parse(event.ts)) - 0.75, eventBand - size, 1.5, size);
  }
  pen.globalAlpha = 1;
}

function drawTimes(
  pen: CanvasRenderingContext2D,
  { extent }: ScrubberScene,
  x: Scale,
  width: number,
  height: number,
): void {
  pen.font = canvasFont(10);
  pen.fillStyle = ink("--ink-3");
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (const { ms, text } of timeTicks(extent.from, extent.to, width, 110)) {
    const at = x(ms);
    if (at > 28 && at < width - 28) pen.fillText(text, at, height - axisBand / 2 + 1);
  }
}

function drawInspected(pen: CanvasRenderingContext2D, scene: ScrubberScene, x: Scale, bottom: number): void {
  if (scene.inspectedMs === undefined) return;
  pen.strokeStyle = ink("--info");
  pen.setLineDash([2, 2]);
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x(scene.inspectedMs), 0);
  pen.lineTo(x(scene.inspectedMs), bottom);
  pen.stroke();
  pen.setLineDash([]);
}

function drawPlayhead(pen: CanvasRenderingContext2D, at: number, height: number): void {
  pen.fillStyle = ink("--ink");
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
  const { pointerX, extent } = scene;
  if (pointerX === undefined) return;
  const ms = extent.from + (pointerX / width) * (extent.to - extent.from);
  pen.strokeStyle = ink("--ink-2");
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(Math.round(pointerX) + 0.5, 0);
  pen.lineTo(Math.round(pointerX) + 0.5, bottom);
  pen.stroke();
  const price = pricesOf(scene).findLast((point) => point.ms <= ms)?.price;
  const text = `${clockText(ms, 0)}${price === undefined ? "" : `   ${price}`}`;
  pen.font = canvasFont(11, 500);
  const size = pen.measureText(text).width + 14;
  const left = Math.min(width - size - 2, Math.max(2, pointerX - size / 2));
  pen.fillStyle = ink("--line-strong");
  pen.beginPath();
  pen.roundRect(left, 12, size, 19, 4);
  pen.fill();
  pen.fillStyle = ink("--ink");
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText(text, left + 7, 22);
}
