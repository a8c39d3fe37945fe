import { unknownDepth } from "./columns/brightness";
import type { DepthColumns } from "./columns/depth-columns";
import type { PriceSpan } from "./columns/price-grid";

/** A disc for the trades of one frame and side. */
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
  /** For each device pixel from the left: the slot of its frame, -1 for none. */
  readonly slotAt: Int32Array;
  readonly prices: PriceSpan;
  readonly bubbles: readonly Bubble[];
  /** False when only the newest frames have changed since the previous scene. */
  readonly redraw: boolean;
}

export interface HeatmapColours {
  readonly palette: Palette;
  /** Red, green, blue from 0 to 255. */
  readonly buy: readonly [number, number, number];
  readonly sell: readonly [number, number, number];
  readonly own: readonly [number, number, number];
}

/** Draws book and bubbles, on a graphics card or on a plain canvas. */
export interface HeatmapRenderer {
  readonly kind: "webgl" | "canvas";
  /** In device pixels. */
  resize(width: number, height: number): void;
  setColours(colours: HeatmapColours): void;
  /** The column of a frame was written. */
  columnChanged(columns: DepthColumns, slot: number): void;
  draw(scene: HeatmapScene): void;
  dispose(): void;
}

/** 256 RGBA colours, by the bytes of columns: transparent for no level, one for what is not known, then from the smallest to the largest size. */
type Palette = Uint8ClampedArray;

type Stop = readonly [at: number, red: number, green: number, blue: number];

const stops: Readonly<Record<"dark" | "light", readonly Stop[]>> = {
  dark: [
    [0, 16, 24, 34],
    [0.25, 19, 52, 74],
    [0.5, 24, 104, 128],
    [0.7, 74, 160, 140],
    [0.85, 226, 178, 84],
    [1, 255, 240, 200],
  ],
  light: [
    [0, 238, 242, 246],
    [0.25, 205, 222, 233],
    [0.5, 128, 180, 204],
    [0.7, 56, 130, 160],
    [0.85, 200, 110, 32],
    [1, 122, 44, 8],
  ],
};

/** Greyer than any size, and not the background, which stands for "no level". */
const unknown = { dark: [25, 28, 33], light: [229, 231, 233] } as const;

export function paletteOf(theme: "dark" | "light"): Palette {
  const palette = new Uint8ClampedArray(256 * 4);
  const line = stops[theme];
  palette.set([...unknown[theme], 255], 4 * unknownDepth);
  for (let value = unknownDepth + 1; value < 256; value++) {
    const at = (value - unknownDepth - 1) / (254 - unknownDepth);
    const next = Math.max(
      1,
      line.findIndex(([place]) => place >= at),
    );
    const [from, to] = [line[next - 1], line[next]];
    if (!from || !to) continue;
    const share = (at - from[0]) / (to[0] - from[0]);
    for (const channel of [1, 2, 3] as const) {
      palette[value * 4 + channel - 1] = from[channel] + (to[channel] - from[channel]) * share;
    }
    palette[value * 4 + 3] = 255;
  }
  return palette;
}
