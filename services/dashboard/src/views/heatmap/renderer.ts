import type { DepthColumns } from "./depth-columns";
import type { Palette } from "./palette";
import type { PriceSpan } from "./price-grid";

/** Trades of one frame and side as one disc. */
export interface Bubble {
  /** Device pixels from the left and top edge. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly side: "buy" | "sell" | "unknown";
  readonly own: boolean;
}

export interface HeatmapScene {
  readonly columns: DepthColumns;
  /** For each device pixel from the left: the slot of the frame that was shown then, -1 for none. */
  readonly slotAt: Int32Array;
  readonly prices: PriceSpan;
  readonly bubbles: readonly Bubble[];
  /** False where only what the newest frames have brought is new since the scene before. */
  readonly whole: boolean;
}

export interface HeatmapColours {
  readonly palette: Palette;
  /** Red, green, blue from 0 to 255. */
  readonly buy: readonly [number, number, number];
  readonly sell: readonly [number, number, number];
  readonly own: readonly [number, number, number];
}

/** Draws book and bubbles into a canvas. Two do: one on the graphics card, one on plain canvas where there is none. */
export interface HeatmapRenderer {
  readonly kind: "webgl" | "canvas";
  /** In device pixels. */
  resize(width: number, height: number): void;
  setColours(colours: HeatmapColours): void;
  /** A line of the columns was written. */
  columnChanged(columns: DepthColumns, slot: number): void;
  draw(scene: HeatmapScene): void;
  dispose(): void;
}
