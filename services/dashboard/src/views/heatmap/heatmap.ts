import { rgb, theme } from "../../design/theme";
import type { AnimatedView } from "../../playback/animation-loop";
import { DerivedList } from "../../playback/extract";
import { follows } from "../../playback/frame-log";
import type { PlaybackController } from "../../playback/playback-controller";
import type { TimeWindow } from "../../playback/viewport";
import { clearSurfaceOf, pixelRatio, watchSize } from "../canvas-surface";
import { CanvasRenderer } from "./canvas-renderer";
import { type Cluster, clustersOf, radiusOf, referenceSize } from "./clusters";
import { DepthColumns, rows, slotOf } from "./depth-columns";
import { listenToGestures, type Pointed } from "./gestures";
import { axisHeight, axisWidth, drawOverlay } from "./overlay";
import { paletteOf } from "./palette";
import { PriceFollower, pricesWithin } from "./price-follower";
import { gridAround, gridFits, niceStep, type PriceSpan } from "./price-grid";
import type { Bubble, HeatmapRenderer } from "./renderer";
import { WebglRenderer } from "./webgl-renderer";

/** Above this many discs in sight the smallest are left out. */
const mostBubbles = 2500;

/** The order book over time: brightness is size, discs are trades. */
export class Heatmap implements AnimatedView {
  readonly everyMs = 0;
  #playback: PlaybackController;
  #host: HTMLElement;
  #canvas = document.createElement("canvas");
  #overlay = document.createElement("canvas");
  #renderer: HeatmapRenderer;
  #columns = new DepthColumns();
  #clusters: DerivedList<Cluster>;
  #usual = { size: 1, revision: -1, count: 0 };
  /** What has to stay the same for the picture to stay, but for the newest frames. */
  #still = "";
  #follower = new PriceFollower();
  #slotAt = new Int32Array(0);
  #width = 0;
  #height = 0;
  /** Pixels of the heatmap's canvas for one of CSS. */
  #ratio = 1;
  #priceZoom = 1;
  #pointer: Pointed | undefined;
  #undo: (() => void)[] = [];

  constructor(host: HTMLElement, playback: PlaybackController) {
    this.#host = host;
    this.#playback = playback;
    this.#clusters = new DerivedList(playback.log, 8192, clustersOf);
    for (const canvas of [this.#canvas, this.#overlay]) canvas.style.cssText = "position:absolute;left:0;top:0";
    this.#overlay.style.touchAction = "pan-y";
    host.append(this.#canvas, this.#overlay);
    this.#renderer = this.#makeRenderer();
    this.#colour();
    this.#undo.push(
      watchSize(host, (width, height) => this.#resize(width, height)),
      theme.subscribe(() => this.#colour()),
      playback.animation.add(this),
      listenToGestures(this.#overlay, playback, {
        plotWidth: () => this.#width - axisWidth,
        zoomPrice: (factor) => this.zoomPrice(factor),
        pointed: (at) => {
          this.#pointer = at;
        },
      }),
    );
  }

  /** Shows a larger or smaller stretch of prices: above 1 a larger one. */
  zoomPrice(factor: number): void {
    this.#priceZoom = Math.min(6, Math.max(0.08, this.#priceZoom * factor));
    this.#follower.forget();
    this.#playback.animation.invalidate();
  }

  resetZoom(): void {
    this.#priceZoom = 1;
    this.#follower.forget();
    this.#playback.animation.invalidate();
  }

  /** The view as one picture. */
  toCanvas(): HTMLCanvasElement {
    // WebGL keeps what it has drawn only until the turn of the event loop ends.
    this.paint();
    const whole = document.createElement("canvas");
    whole.width = this.#overlay.width;
    whole.height = this.#overlay.height;
    const pen = whole.getContext("2d");
    pen?.drawImage(this.#canvas, 0, 0);
    pen?.drawImage(this.#overlay, 0, 0);
    return whole;
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
        whole: true,
      });
      this.#follower.forget();
      return;
    }
    const moving = this.#follower.follow(this.#zoomed(wanted), false);
    const prices = this.#follower.span ?? wanted;
    this.#updateColumns(prices, plotHeight);
    this.#lookUpSlots(window);
    const bubbles = this.#bubbles(window, prices, plotWidth, plotHeight);
    const still = [window.from, window.to, prices.low, prices.high, this.#usual.size, this.#clusters.revision].join();
    this.#renderer.draw({
      columns: this.#columns,
      slotAt: this.#slotAt,
      prices,
      bubbles,
      whole: still !== this.#still,
    });
    this.#still = still;
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

  /** The window moves by whole pixels, so that what it shows stays as it is in between. */
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

  /** For each pixel across, the frame that was the newest at its time. */
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
      const over = here !== undefined && ms - perPixel > here.ms && (next === undefined || !follows(here, next));
      slotAt[x] = index < 0 || over ? -1 : slotOf(log, index);
    }
  }

  #bubbles({ from, to }: { from: number; to: number }, prices: PriceSpan, width: number, height: number): Bubble[] {
    const clusters = this.#clusters.items;
    const usual = this.#usualSize(clusters);
    const ratio = this.#ratio;
    const bubbles: Bubble[] = [];
    let least = 0;
    for (let index = clusters.length - 1; index >= 0; index--) {
      const cluster = clusters[index];
      if (!cluster || cluster.ms < from) break;
      if (cluster.ms > to || cluster.price < prices.low || cluster.price > prices.high) continue;
      if (bubbles.length > mostBubbles) least = 2;
      const radius = cluster.own ? 7 : radiusOf(cluster.size, usual);
      if (radius < least) continue;
      const x = ((cluster.ms - from) / (to - from)) * width * ratio;
      const y = ((prices.high - cluster.price) / (prices.high - prices.low)) * height * ratio;
      bubbles.push({ x, y, radius: radius * ratio, side: cluster.side, own: cluster.own });
    }
    return bubbles.reverse();
  }

  #usualSize(clusters: readonly Cluster[]): number {
    const { revision } = this.#clusters;
    const { appended } = this.#playback.log;
    // Of a market that has only just begun little is known, and it is soon another.
    const stale = appended > this.#usual.count + Math.min(300, 10 + this.#usual.count / 4);
    if (revision !== this.#usual.revision || stale) {
      this.#usual = { size: referenceSize(clusters), revision, count: appended };
    }
    return this.#usual.size;
  }

  #makeRenderer(): HeatmapRenderer {
    const asked = new URLSearchParams(location.search).get("heatmap");
    try {
      if (asked === "canvas") return new CanvasRenderer(this.#canvas);
      const renderer = new WebglRenderer(this.#canvas, { softwareToo: asked === "webgl" });
      // The driver was reset, or the tab lost its card: go on without one.
      this.#canvas.addEventListener("webglcontextlost", () => this.#replaceCanvas(), { once: true });
      return renderer;
    } catch {
      // No WebGL2 on a graphics card here; the canvas shows the same.
      return new CanvasRenderer(this.#freshCanvas());
    }
  }

  #replaceCanvas(): void {
    if (this.#undo.length === 0) return; // disposed
    this.#renderer = new CanvasRenderer(this.#freshCanvas());
    this.#colour();
    this.#resize(this.#width, this.#height);
  }

  /** A canvas that once had a WebGL context gives no other one. */
  #freshCanvas(): HTMLCanvasElement {
    const fresh = document.createElement("canvas");
    fresh.style.cssText = this.#canvas.style.cssText;
    this.#canvas.replaceWith(fresh);
    this.#canvas = fresh;
    return fresh;
  }

  #colour(): void {
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
    // Four times the pixels would cost a processor four times the work.
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
