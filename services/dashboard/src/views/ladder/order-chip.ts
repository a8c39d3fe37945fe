import { themeColour } from "../../design/theme";
import type { Side } from "../../trading/ticket/order-ticket-state";
import { canvasFont } from "../canvas-surface";

/** The user's working orders at one price, as a row shows them. */
export interface OrderChip {
  readonly text: string;
  readonly side: Side;
  /** `moving`: being dragged to here; `moved`: being dragged away; `preview`: what a click would place. */
  readonly look: "working" | "pending" | "moving" | "moved" | "preview";
}

/** Of a ladder's row, in CSS pixels. */
export const rowHeight = 18;
const width = 46;

/** On the side without size bars, beside the prices. */
export function chipBox(side: Side, y: number, { left, right }: { readonly left: number; readonly right: number }) {
  return { x: side === "buy" ? right + 3 : left - 3 - width, y: y + 1.5, width, height: rowHeight - 3 };
}

export function isInChip(x: number, box: Box): boolean {
  return x >= box.x && x < box.x + box.width;
}

type Box = ReturnType<typeof chipBox>;

export function drawChip(pen: CanvasRenderingContext2D, { text, side, look }: OrderChip, box: Box): void {
  pen.save();
  pen.globalAlpha = look === "moved" ? 0.35 : 1;
  pen.beginPath();
  pen.roundRect(box.x + 0.5, box.y, box.width - 1, box.height, 3);
  if (look === "working" || look === "moving") {
    pen.fillStyle = themeColour(`--${side}`);
    pen.fill();
  } else {
    pen.fillStyle = themeColour("--raised");
    pen.fill();
    pen.strokeStyle = themeColour(`--${side}`);
    pen.lineWidth = 1;
    if (look !== "preview") pen.setLineDash([3, 2]);
    pen.stroke();
    pen.setLineDash([]);
  }
  pen.font = canvasFont(10.5, 600);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = themeColour(look === "working" || look === "moving" ? "--surface" : `--${side}`);
  pen.fillText(text, box.x + box.width / 2, box.y + box.height / 2 + 0.5, box.width - 6);
  pen.restore();
}
