import { themeColour } from "../design/theme";
import type { AxisGap, TapeAxis } from "./tape-axis";

/** Hatches the gaps that are drawn as long as they are. */
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

/** Height of a tooth of the torn edges. */
const tooth = 5;

/** The strip looks torn where time is left out. */
export function drawBreaks(pen: CanvasRenderingContext2D, axis: TapeAxis, top: number, height: number): void {
  pen.lineWidth = 1;
  for (const { left, right } of axis.breaks) {
    const depth = Math.min(3, (right - left) / 4);
    const edge = (x: number) => {
      for (let [y, nth] = [top - 2, 0]; y <= height; y += tooth, nth++) pen.lineTo(x + (nth % 2 ? depth : 0), y);
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
