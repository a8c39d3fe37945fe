import { type DepthColumns, rows } from "./columns/depth-columns";
import type { PriceGrid } from "./columns/price-grid";
import type { HeatmapColours, HeatmapRenderer, HeatmapScene } from "./renderer";

const colour = ([red, green, blue]: readonly [number, number, number], alpha: number) =>
  `rgba(${red}, ${green}, ${blue}, ${alpha})`;

/** Larger than the radius of any disc. */
const reach = 20;

/** Without a graphics card: looks up each pixel in the columns, as the shader does. */
export class CanvasRenderer implements HeatmapRenderer {
  readonly kind = "canvas";
  #pen: CanvasRenderingContext2D;
  #image: ImageData;
  #pixels: Uint32Array;
  #palette = new Uint32Array(256);
  #colours: HeatmapColours | undefined;
  /** The slot that each column of pixels shows; empty when all have to be drawn. */
  #shown = new Int32Array(0);
  /** Slots that were written since the last draw. */
  #written = new Set<number>();
  #rowAt = new Int32Array(0);

  constructor(canvas: HTMLCanvasElement) {
    const pen = canvas.getContext("2d");
    if (!pen) throw new Error("this browser has no 2D canvas");
    this.#pen = pen;
    this.#image = pen.createImageData(1, 1);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
  }

  resize(width: number, height: number): void {
    this.#pen.canvas.width = width;
    this.#pen.canvas.height = height;
    this.#image = this.#pen.createImageData(Math.max(1, width), Math.max(1, height));
    this.#pixels = new Uint32Array(this.#image.data.buffer);
    this.#shown = new Int32Array(0);
  }

  setColours(colours: HeatmapColours): void {
    this.#colours = colours;
    this.#palette = new Uint32Array(colours.palette.slice().buffer);
    this.#shown = new Int32Array(0);
  }

  columnChanged(_: DepthColumns, slot: number): void {
    this.#written.add(slot);
  }

  // HOT: for each animation frame. While the window stays, only the newest columns change, and only they are drawn.
  draw({ columns, slotAt, prices, bubbles, redraw }: HeatmapScene): void {
    const { width, height } = this.#image;
    const grid = columns.grid;
    if (!grid) return;
    const drawAll = redraw || this.#shown.length !== slotAt.length;
    const rowAt = this.#rowsFor(prices, grid);
    let left = drawAll ? 0 : width;
    if (drawAll) this.#drawColumns(columns.bytes, slotAt, rowAt);
    else {
      for (let x = 0; x < width; x++) {
        const slot = slotAt[x] ?? -1;
        if (slot === this.#shown[x] && !this.#written.has(slot)) continue;
        left = Math.min(left, x);
        this.#drawColumn(columns.bytes, x, slot, rowAt);
      }
    }
    this.#written.clear();
    if (drawAll) this.#shown = slotAt.slice();
    else this.#shown.set(slotAt);
    if (left >= width) return;
    const from = Math.max(0, left - reach);
    this.#pen.putImageData(this.#image, 0, 0, from, 0, width - from, height);
    this.#drawBubbles(bubbles, from);
  }

  /** For each pixel from the top: its row in the columns, -1 for none. */
  #rowsFor({ low, high }: HeatmapScene["prices"], { base, step }: PriceGrid): Int32Array {
    const { height } = this.#image;
    if (this.#rowAt.length !== height) this.#rowAt = new Int32Array(height);
    const perPixel = (high - low) / height;
    for (let y = 0; y < height; y++) {
      const row = Math.floor((high - (y + 0.5) * perPixel - base) / step);
      this.#rowAt[y] = row >= 0 && row < rows ? row : -1;
    }
    return this.#rowAt;
  }

  #drawColumns(bytes: Uint8Array, slotAt: Int32Array, rowAt: Int32Array): void {
    const { width, height } = this.#image;
    const pixels = this.#pixels;
    const palette = this.#palette;
    for (let y = 0; y < height; y++) {
      const row = rowAt[y] ?? -1;
      const start = y * width;
      for (let x = 0; x < width; x++) {
        const slot = slotAt[x] ?? -1;
        pixels[start + x] = row >= 0 && slot >= 0 ? (palette[bytes[slot * rows + row] ?? 0] ?? 0) : 0;
      }
    }
  }

  #drawColumn(bytes: Uint8Array, x: number, slot: number, rowAt: Int32Array): void {
    const { width, height } = this.#image;
    for (let y = 0; y < height; y++) {
      const row = rowAt[y] ?? -1;
      this.#pixels[y * width + x] = row >= 0 && slot >= 0 ? (this.#palette[bytes[slot * rows + row] ?? 0] ?? 0) : 0;
    }
  }

  /** Draws the discs that reach beyond `from`, clipped there. */
  #drawBubbles(bubbles: HeatmapScene["bubbles"], from: number): void {
    const colours = this.#colours;
    if (!colours) return;
    const pen = this.#pen;
    pen.save();
    pen.beginPath();
    pen.rect(from, 0, this.#image.width - from, this.#image.height);
    pen.clip();
    const tones = {
      buy: { fill: colour(colours.buy, 0.62), rim: colour(colours.buy, 0.95) },
      sell: { fill: colour(colours.sell, 0.62), rim: colour(colours.sell, 0.95) },
    };
    const own = colour(colours.own, 1);
    for (const bubble of bubbles) {
      const { x, y, radius } = bubble;
      if (x + radius + 2 < from) continue;
      const side = bubble.side === "sell" ? "sell" : "buy";
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fillStyle = bubble.own ? colour(colours[side], 1) : tones[side].fill;
      pen.fill();
      if (!bubble.own && radius < 4) continue;
      pen.lineWidth = bubble.own ? 2 : 1;
      pen.strokeStyle = bubble.own ? own : tones[side].rim;
      pen.stroke();
    }
    pen.restore();
  }

  dispose(): void {}
}
