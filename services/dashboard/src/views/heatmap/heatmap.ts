import { rgb, theme } from "../../design/theme";
import type { AnimatedView } from "../../playback/animation-loop";
import { DerivedList, follows } from "../../playback/frame-log";
import type { PlaybackController } from "../../playback/playback-controller";
import type { TimeWindow } from "../../playback/viewport";
import { clearSurfaceOf, pixelRatio, watchSize } from "../canvas-surface";
import { CanvasRenderer } from "./canvas-renderer";
import { type Cluster, clustersOf, radiusOf, referenceSize } from "./clusters";
import { DepthColumns, rows, slotOf } from "./depth-columns";
import { listenToGestures, type PointerPosition } from "./gestures";
import { axisHeight, axisWidth, drawOverlay } from "./overlay";
import { gridAround, gridFits, niceStep, PriceFollower, type PriceSpan, pricesWithin } from "./price-grid";
import { type Bubble, type HeatmapRenderer, paletteOf } from "./renderer";
import { WebglRenderer } from "./webgl-renderer";

/** With more visible discs, the smallest ones are left out. */
const maxBubbles = 2500;

/** The order book over time: brightness shows size, discs show trades. */
export class Heatmap implements AnimatedView {
  readonly everyMs = 0;
  #playback: PlaybackController;
  #host: HTMLElement;
  #canvas = document.createElement("canvas");
  #overlay = document.createElement("canvas");
  #renderer: HeatmapRenderer;
  #columns = new DepthColumns();
  #clusters: DerivedList<Cluster>;
  #reference = { size: 1, revision: -1, count: 0 };
  /** While this key is the same, only the newest frames have to be drawn. */
  #pictureKey = "";
  #follower = new PriceFollower();
  #slotAt = new Int32Array(0);
  #width = 0;
  #height = 0;
  /** Canvas pixels per CSS pixel. */
  #ratio = 1;
  #priceZoom = 1;
  #pointer: PointerPosition | undefined;
  #undo: (() => void)[] = [];

  constructor(host: HTMLElement, playback: PlaybackController) {
    this.#host = host;
    this.#playback = playback;
    this.#clusters = new DerivedList(playback.log, 8192, clustersOf);
    for (const canvas of [this.#canvas, this.#overlay]) canvas.style.cssText = "position:absolute;left:0;top:0";
    this.#overlay.style.touchAction = "pan-y";
    host.append(this.#canvas, this.#overlay);
    this.#renderer = this.#createRenderer();
    this.#applyColours();
    this.#undo.push(
      watchSize(host, (width, height) => this.#resize(width, height)),
      theme.subscribe(() => this.#applyColours()),
      playback.animation.add(this),
      listenToGestures(this.#overlay, playback, {
        plotWidth: () => this.#width - axisWidth,
        zoomPrice: (factor) => this.zoomPrice(factor),
        onPointer: (at) => {
          this.#pointer = at;
        },
      }),
    );
  }

  /** A factor above 1 shows more prices. */
  zoomPrice(factor: number): void {
    this.#priceZoom = Math.min(6, Math.max(0.08, this.#priceZoom * factor));
    this.#follower.reset();
    this.#playback.animation.invalidate();
  }

  resetZoom(): void {
    this.#priceZoom = 1;
    this.#follower.reset();
    this.#playback.animation.invalidate();
  }

  toCanvas(): HTMLCanvasElement {
    // WebGL keeps its drawing only until the current task ends.
    this.paint();
    const picture = document.createElement("canvas");
    picture.width = this.#overlay.width;
    picture.height = this.#overlay.height;
    const pen = picture.getContext("2d");
    pen?.drawImage(this.#canvas, 0, 0);
    pen?.drawImage(this.#overlay, 0, 0);
    return picture;
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#renderer.dispose();
    this.#host.replaceChildren();
  }

  // HOT: for each animation frame.
  paint(): boolean | undefined {
    const { log, viewport, inspection } = this.#playback;
    const plotWidth = this.#width - axisWidth;
    const plotHeight = this.#height - axisHeight;
    if (plotWidth < 20 || plotHeight < 20) return;
    const window = this.#wholePixels(viewport.window);
    const wanted = pricesWithin(log, window);
    const surface = clearSurfaceOf(this.#overlay, this.#width, this.#height);
    const newest = log.last;
    if (!wanted || !surface || !newest) {
      this.#renderer.draw({
        columns: this.#columns,
        slotAt: this.#slotAt.fill(-1),
        prices: { low: 0, high: 1 },
        bubbles: [],
        redraw: true,
      });
      this.#follower.reset();
      return;
    }
    const moving = this.#follower.follow(this.#zoomed(wanted));
    const prices = this.#follower.span ?? wanted;
    this.#updateColumns(prices, plotHeight);
    this.#lookUpSlots(window);
    const bubbles = this.#bubbles(window, prices, plotWidth, plotHeight);
    const pictureKey = [
      window.from,
      window.to,
      prices.low,
      prices.high,
      this.#reference.size,
      this.#clusters.revision,
    ].join();
    this.#renderer.draw({
      columns: this.#columns,
      slotAt: this.#slotAt,
      prices,
      bubbles,
      redraw: pictureKey !== this.#pictureKey,
    });
    this.#pictureKey = pictureKey;
    drawOverlay(surface, {
      log,
      window,
      prices,
      decimals: this.#playback.decimals,
      sizeDecimals: this.#playback.sizeDecimals,
      anomalies: this.#playback.anomalies.items,
      pointer: this.#pointer,
      inspected: inspection.store.getState().seq === undefined ? undefined : inspection.shown,
    });
    return moving;
  }

  /** Moves the window by whole pixels, so that most columns stay the same between two paints. */
  #wholePixels({ from, to }: TimeWindow): TimeWindow {
    const perPixel = (to - from) / Math.max(1, this.#slotAt.length);
    const end = Math.ceil(to / perPixel) * perPixel;
    return { from: end - (to - from), to: end };
  }

  #zoomed({ low, high }: PriceSpan): PriceSpan {
    const middle = (low + high) / 2;
    const half = ((high - low) / 2) * this.#priceZoom;
    return { low: middle - half, high: middle + half };
  }

  #updateColumns(prices: PriceSpan, plotHeight: number): void {
    const columns = this.#columns;
    const tick = niceStep(10 ** -this.#playback.decimals, 10 ** -this.#playback.decimals);
    const visibleRows = plotHeight / 3;
    const grid =
      columns.grid && gridFits(columns.grid, prices, tick, visibleRows)
        ? columns.grid
        : gridAround(prices, tick, visibleRows, rows);
    columns.update(this.#playback.log, grid, (slot) => this.#renderer.columnChanged(columns, slot));
  }

  /** For each column of pixels, the newest frame at its time. */
  #lookUpSlots({ from, to }: { from: number; to: number }): void {
    const { log } = this.#playback;
    const slotAt = this.#slotAt;
    const perPixel = (to - from) / slotAt.length;
    let index = log.indexAt(from);
    for (let x = 0; x < slotAt.length; x++) {
      const ms = from + (x + 1) * perPixel;
      let next = log.at(index + 1);
      while (next && next.ms <= ms) next = log.at(++index + 1);
      const here = log.at(index);
      const inGap = here !== undefined && ms - perPixel > here.ms && (next === undefined || !follows(here, next));
      slotAt[x] = index < 0 || inGap ? -1 : slotOf(log, index);
    }
  }

  #bubbles({ from, to }: { from: number; to: number }, prices: PriceSpan, width: number, height: number): Bubble[] {
    const clusters = this.#clusters.items;
    const reference = this.#referenceSizeNow(clusters);
    const ratio = this.#ratio;
    const bubbles: Bubble[] = [];
    let least = 0;
    for (let index = clusters.length - 1; index >= 0; index--) {
      const cluster = clusters[index];
      if (!cluster || cluster.ms < from) break;
      if (cluster.ms > to || cluster.price < prices.low || cluster.price > prices.high) continue;
      if (bubbles.length > maxBubbles) least = 2;
      const radius = cluster.own ? 7 : radiusOf(cluster.size, reference);
      if (radius < least) continue;
      const x = ((cluster.ms - from) / (to - from)) * width * ratio;
      const y = ((prices.high - cluster.price) / (prices.high - prices.low)) * height * ratio;
      bubbles.push({ x, y, radius: radius * ratio, side: cluster.side, own: cluster.own });
    }
    return bubbles.reverse();
  }

  #referenceSizeNow(clusters: readonly Cluster[]): number {
    const { revision } = this.#clusters;
    const { appended } = this.#playback.log;
    // Early in a market the reference changes fast, so it is computed more often.
    const stale = appended > this.#reference.count + Math.min(300, 10 + this.#reference.count / 4);
    if (revision !== this.#reference.revision || stale) {
      this.#reference = { size: referenceSize(clusters), revision, count: appended };
    }
    return this.#reference.size;
  }

  #createRenderer(): HeatmapRenderer {
    const requested = new URLSearchParams(location.search).get("heatmap");
    try {
      if (requested === "canvas") return new CanvasRenderer(this.#canvas);
      const renderer = new WebglRenderer(this.#canvas, { allowSoftware: requested === "webgl" });
      // The driver was reset, or the tab lost the graphics card: continue on a plain canvas.
      this.#canvas.addEventListener("webglcontextlost", () => this.#replaceCanvas(), { once: true });
      return renderer;
    } catch {
      // Without WebGL2 on a graphics card, the plain canvas shows the same.
      return new CanvasRenderer(this.#newCanvas());
    }
  }

  #replaceCanvas(): void {
    if (this.#undo.length === 0) return; // disposed
    this.#renderer = new CanvasRenderer(this.#newCanvas());
    this.#applyColours();
    this.#resize(this.#width, this.#height);
  }

  /** A canvas that has had a WebGL context cannot get another kind. */
  #newCanvas(): HTMLCanvasElement {
    const created = document.createElement("canvas");
    created.style.cssText = this.#canvas.style.cssText;
    this.#canvas.replaceWith(created);
    this.#canvas = created;
    return created;
  }

  #applyColours(): void {
    this.#host.dataset.renderer = this.#renderer.kind;
    this.#renderer.setColours({
      palette: paletteOf(theme.getState().theme),
      buy: rgb("--buy"),
      sell: rgb("--sell"),
      own: rgb("--own"),
    });
    this.#playback.animation.invalidate();
  }

  #resize(width: number, height: number): void {
    this.#width = width;
    this.#height = height;
    // Without a graphics card, four times the pixels cost four times the processor time.
    const ratio = this.#renderer.kind === "canvas" ? 1 : pixelRatio();
    this.#ratio = ratio;
    const [across, down] = [Math.max(0, width - axisWidth), Math.max(0, height - axisHeight)];
    this.#canvas.style.width = `${across}px`;
    this.#canvas.style.height = `${down}px`;
    this.#overlay.style.width = `${width}px`;
    this.#overlay.style.height = `${height}px`;
    this.#renderer.resize(Math.round(across * ratio), Math.round(down * ratio));
    this.#slotAt = new Int32Array(Math.round(across * ratio));
    this.#playback.animation.invalidate();
  }
}
