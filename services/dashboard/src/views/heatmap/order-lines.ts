import type { SessionOrder } from "@tapedeck/protocol";
import { themeColour } from "../../design/theme";
import type { TimeWindow } from "../../playback/viewport";
import { labelOf } from "../../trading/orders/order-list";
import type { FillMark } from "../../trading/orders/session-trading";
import { canvasFont } from "../canvas-surface";

/** A working order in the heatmap. */
export interface OrderLine {
  readonly order: SessionOrder;
  /** Where it waits, or where it is being dragged to. */
  readonly price: number;
  /** When it was sent, in ms since 1970. */
  readonly sentMs: number;
  readonly dragged: boolean;
}

/** From data to CSS pixels of the plot. */
interface Scales {
  readonly x: (ms: number) => number;
  readonly y: (price: number) => number;
  readonly plot: { readonly width: number; readonly height: number };
}

/** The label at the right end of a line, by which it is dragged. In CSS pixels. */
export const label = { width: 82, height: 15, right: 4 } as const;

/** A line from when each order was sent, with its side and open amount at the right. */
export function drawOrderLines(
  pen: CanvasRenderingContext2D,
  lines: readonly OrderLine[],
  { x, y, plot }: Scales,
): void {
  for (const { order, price, sentMs, dragged } of lines) {
    const at = Math.round(y(price)) + 0.5;
    if (at < 0 || at > plot.height) continue;
    const colour = themeColour(`--${order.side}`);
    const left = plot.width - label.width - label.right;
    pen.strokeStyle = colour;
    pen.lineWidth = dragged ? 2 : 1.2;
    pen.setLineDash(order.status === "PENDING" || dragged ? [3, 3] : [8, 3]);
    pen.beginPath();
    pen.moveTo(Math.min(left, Math.max(0, x(sentMs))), at);
    pen.lineTo(left, at);
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = colour;
    pen.beginPath();
    pen.roundRect(left, at - label.height / 2, label.width, label.height, 3);
    pen.fill();
    pen.font = canvasFont(10, 600);
    pen.fillStyle = themeColour("--surface");
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(labelOf(order), left + label.width / 2, at + 0.5, label.width - 6);
  }
}

/** A triangle at each fill: upwards for bought, downwards for sold. */
export function drawFillMarks(
  pen: CanvasRenderingContext2D,
  fills: readonly FillMark[],
  { from, to }: TimeWindow,
  { x, y }: Scales,
): void {
  for (let index = fills.length - 1; index >= 0; index--) {
    const fill = fills[index];
    if (!fill || fill.ms < from) break;
    if (fill.ms > to) continue;
    const [at, level, up] = [x(fill.ms), y(fill.price), fill.side === "buy" ? 1 : -1];
    pen.beginPath();
    pen.moveTo(at, level);
    pen.lineTo(at - 5.5, level + up * 10);
    pen.lineTo(at + 5.5, level + up * 10);
    pen.closePath();
    pen.fillStyle = themeColour(`--${fill.side}`);
    pen.fill();
    pen.strokeStyle = themeColour("--own");
    pen.lineWidth = 1.2;
    pen.stroke();
  }
}
