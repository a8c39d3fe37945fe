import { rows } from "./depth-columns";
import type { HeatmapColours, HeatmapRenderer, Scene } from "./renderer";

const colour = ([red, green, blue]: readonly [number, number, number], alpha: number) =>
  `rgba(${red}, ${green}, ${blue}, ${alpha})`;

/** Where there is no graphics card: looks each pixel up in the columns itself, as the shader does. */
export class CanvasRenderer implements HeatmapRenderer {
  readonly kind = "canvas";
  #pen: CanvasRenderingContext2D;
  #image: ImageData;
  #pixels: Uint32Array;
  #palette = new Uint32Array(256);
  #colours: HeatmapColours | undefined;

  constructor(canvas: HTMLCanvasElement) {
    const pen = canvas.getContext("2d");
    if (!pen) throw new Error("this browser draws no canvas");
    this.#pen = pen;
    this.#image = pen.createImageData(1, 1);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
  }

  resize(width: number, height: number): void {
    this.#pen.canvas.width = width;
    this.#pen.canvas.height = height;
    this.#image = this.#pen.createImageData(Math.max(1, width), Math.max(1, height));
    this.#pixels = new Uint32Array(this.#image.data.buffer);
  }

  setColours(colours: HeatmapColours): void {
    this.#colours = colours;
    this.#palette = new Uint32Array(colours.palette.slice().buffer);
  }

  written(): void {
    // The columns themselves are read when it draws.
  }

  // HOT: for each animation frame, over all pixels.
  draw({ columns, slotAt, prices, bubbles }: Scene): void {
    const { width, height } = this.#image;
    const grid = columns.grid;
    if (!grid) return;
    const pixels = this.#pixels;
    const palette = this.#palette;
    const bytes = columns.bytes;
    const perPixel = (prices.high - prices.low) / height;
    for (let y = 0; y < height; y++) {
      const row = Math.floor((prices.high - (y + 0.5) * perPixel - grid.base) / grid.step);
      const inside = row >= 0 && row < rows;
      const start = y * width;
      for (let x = 0; x < width; x++) {
        const slot = slotAt[x] ?? -1;
        pixels[start + x] = inside && slot >= 0 ? (palette[bytes[slot * rows + row] ?? 0] ?? 0) : 0;
      }
    }
    this.#pen.putImageData(this.#image, 0, 0);
    this.#drawBubbles(bubbles);
  }

  #drawBubbles(bubbles: Scene["bubbles"]): void {
    const colours = this.#colours;
    if (!colours) return;
    const pen = this.#pen;
    for (const { x, y, radius, side, own } of bubbles) {
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fillStyle = colour(side === "sell" ? colours.sell : colours.buy, own ? 1 : 0.62);
      pen.fill();
      if (!own && radius < 4) continue;
      pen.lineWidth = own ? 2 : 1;
      pen.strokeStyle = own ? colour(colours.own, 1) : colour(side === "sell" ? colours.sell : colours.buy, 0.95);
      pen.stroke();
    }
  }

  dispose(): void {}
}
