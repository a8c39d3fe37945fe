import { rgb, theme } from "../../design/theme";
import type { AnimatedView } from "../../playback/animation-loop";
import type { DeepHistory } from "../../playback/deep-history";
import type { DepthChunk } from "../../playback/depth-chunk";
import { follows, type LoggedFrame } from "../../playback/frame-log";
import type { PlaybackController } from "../../playback/playback-controller";
import { marketOf } from "../../playback/tape-loader";
import type { TimeWindow } from "../../playback/viewport";
import { clearSurfaceOf, pixelRatio, watchSize } from "../canvas-surface";
import { CanvasRenderer } from "./canvas-renderer";
import { Bubbles } from "./clusters";
import { DepthColumns, rows, slotOf } from "./columns/depth-columns";
import { gridAround, gridFits, niceStep, type PriceSpan, pricesWithin } from "./columns/price-grid";
import { listenToGestures, type PointerPosition } from "./gestures";
import { HeatmapOrders } from "./heatmap-orders";
import { axisHeight, axisWidth, drawOverlay } from "./overlay";
import { pointedDepth, pointedLevel } from "./pointed-level";
import { PriceView, pricesOf } from "./price-view";
import { type HeatmapRenderer, paletteOf } from "./renderer";
import { WebglRenderer } from "./webgl-renderer";

/** A screen reader reads each change aloud. */
const describeEveryMs = 500;

/** The order book over time: brightness shows size, discs show trades. With more prices than the best levels have, the whole book. */
export class Heatmap implements AnimatedView {
  readonly everyMs = 0;
  readonly prices = new PriceView();
  #playback: PlaybackController;
  #host: HTMLElement;
  #canvas = document.createElement("canvas");
  #overlay = document.createElement("canvas");
  #renderer: HeatmapRenderer;
  #columns = new DepthColumns();
  #bubbles: Bubbles;
  /** Up to where the whole book was measured. */
  #measured: { readonly chunk: DepthChunk | undefined; readonly through: number | undefined } = {
    chunk: undefined,
    through: undefined,
  };
  #market = "";
  /** Whether whole books are shown, and what is under the pointer: for the description. */
  #isDeep = false;
  #pointed: string | undefined;
  /** While this key is the same, only the newest frames have to be drawn. */
  #pictureKey = "";
  #slotAt = new Int32Array(0);
  #width = 0;
  #height = 0;
  /** Canvas pixels per CSS pixel. */
  #ratio = 1;
  #pointer: PointerPosition | undefined;
  readonly #orders: HeatmapOrders;
  #undo: (() => void)[] = [];

  constructor(host: HTMLElement, playback: PlaybackController) {
    this.#host = host;
    this.#playback = playback;
    this.#bubbles = new Bubbles(playback.log);
    for (const canvas of [this.#canvas, this.#overlay]) canvas.style.cssText = "position:absolute;left:0;top:0";
    this.#overlay.setAttribute("role", "img");
    host.append(this.#canvas, this.#overlay);
    this.#renderer = this.#createRenderer();
    this.#applyColours();
    const plotSize = () => ({ width: this.#width - axisWidth, height: this.#height - axisHeight });
    this.#orders = new HeatmapOrders(this.#overlay, playback, {
      plotSize,
      priceAt: (y) => this.#priceAt(y),
      yOf: (price) => this.#yOf(price),
    });
    this.#undo.push(
      () => this.#orders.dispose(),
      watchSize(host, (width, height) => this.#resize(width, height)),
      theme.subscribe(() => this.#applyColours()),
      this.prices.store.subscribe(() => playback.animation.invalidate()),
      playback.animation.add({ everyMs: describeEveryMs, paint: () => this.#describe() }),
      playback.animation.add(this),
      listenToGestures(this.#overlay, playback, {
        plotSize,
        zoomPrice: (factor, y) => this.prices.zoom(factor, y === undefined ? undefined : this.#priceAt(y)),
        scrollPrice: (share) => this.#scrollPrice(share),
        followPrice: () => this.prices.followPrice(),
        onPointer: (at) => {
          this.#pointer = at;
        },
      }),
    );
  }

  /** A factor above 1 shows more prices. */
  zoomPrice(factor: number): void {
    this.prices.zoom(factor);
    this.#playback.animation.invalidate();
  }

  #scrollPrice(share: number): void {
    const { span } = this.prices;
    if (span) this.prices.scroll(share * (span.high - span.low));
  }

  #priceAt(y: number): number | undefined {
    const { span } = this.prices;
    return span && span.high - (y / (this.#height - axisHeight)) * (span.high - span.low);
  }

  #yOf(price: number): number | undefined {
    const { span } = this.prices;
    return span && ((span.high - price) / (span.high - span.low)) * (this.#height - axisHeight);
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
    this.#forgetOtherMarkets();
    const best = pricesWithin(log, window);
    const surface = clearSurfaceOf(this.#overlay, this.#width, this.#height);
    if (!best || !surface) {
      this.#renderer.draw({
        columns: this.#columns,
        slotAt: this.#slotAt.fill(-1),
        prices: { low: 0, high: 1 },
        bubbles: [],
        redraw: true,
      });
      this.prices.forget();
      return;
    }
    const deep = this.#deepHistory(window);
    this.#isDeep = deep !== undefined;
    this.#pointed = undefined;
    const moving = this.prices.follow(best);
    const prices = this.prices.span ?? best;
    const waiting = this.#updateColumns(prices, plotHeight, deep);
    this.#lookUpSlots(window);
    const bubbles = this.#bubbles.visible(window, prices, {
      width: plotWidth,
      height: plotHeight,
      ratio: this.#ratio,
    });
    const pictureKey = [window.from, window.to, prices.low, prices.high, this.#bubbles.key].join();
    this.#renderer.draw({
      columns: this.#columns,
      slotAt: this.#slotAt,
      prices,
      bubbles,
      redraw: pictureKey !== this.#pictureKey,
    });
    this.#pictureKey = pictureKey;
    const perPixel = (prices.high - prices.low) / plotHeight;
    drawOverlay(surface, {
      log,
      window,
      prices,
      decimals: this.#playback.decimals,
      anomalies: this.#playback.anomalies.items,
      pointer: this.#pointer,
      known: deep && this.#measured.chunk?.knownAtEnd,
      textAt: (logged, price) => this.#textAt(logged, price, perPixel, deep),
      orders: this.#orders.lines(),
      fills: this.#playback.trading.fillMarks,
      inspected: inspection.store.getState().seq === undefined ? undefined : inspection.shown,
    });
    return moving || waiting;
  }

  #forgetOtherMarkets(): void {
    const market = marketOf(this.#playback.store.getState().session?.tape ?? "");
    if (market !== this.#market) this.prices.forget();
    this.#market = market;
  }

  /** Returns true if the description has changed, as the view may still be moving. */
  #describe(): boolean {
    const { span } = this.prices;
    const { decimals } = this.#playback;
    const text = (price: number) => price.toFixed(decimals);
    const known = this.#isDeep ? this.#measured.chunk?.knownAtEnd : undefined;
    const sentences = [
      "Order book over time: brightness shows size, discs show trades.",
      ...(span ? [`Prices from ${text(span.low)} to ${text(span.high)}.`] : []),
      ...(known ? [extentOf(known, text)] : []),
      ...(this.#pointed ? [`Under the pointer: ${this.#pointed}.`] : []),
    ];
    const label = sentences.join(" ");
    const changed = label !== this.#overlay.getAttribute("aria-label");
    if (changed) this.#overlay.setAttribute("aria-label", label);
    return changed;
  }

  /** Moves the window by whole pixels, so that most columns stay the same between two paints. */
  #wholePixels({ from, to }: TimeWindow): TimeWindow {
    const perPixel = (to - from) / Math.max(1, this.#slotAt.length);
    const end = Math.ceil(to / perPixel) * perPixel;
    return { from: end - (to - from), to: end };
  }

  /** Returns true if older columns follow with the next paint. */
  #updateColumns(prices: PriceSpan, plotHeight: number, deep: DeepHistory | undefined): boolean {
    const columns = this.#columns;
    const tick = niceStep(10 ** -this.#playback.decimals, 10 ** -this.#playback.decimals);
    const visibleRows = plotHeight / 3;
    const grid =
      columns.grid && gridFits(columns.grid, prices, tick, visibleRows)
        ? columns.grid
        : gridAround(prices, tick, visibleRows, rows);
    const source = { log: this.#playback.log, grid, prices, deep };
    return columns.update(source, (slot) => this.#renderer.columnChanged(columns, slot));
  }

  /** The whole books of the frames in a window; undefined where only the best levels are shown, or known. */
  #deepHistory(window: TimeWindow): DeepHistory | undefined {
    const { deepHistory, log } = this.#playback;
    const [first, last] = [log.at(Math.max(0, log.indexAt(window.from))), log.at(log.indexAt(window.to))];
    if (!this.prices.store.getState().deep || !deepHistory.isAvailable || !first || !last) return undefined;
    deepHistory.want(first.frame.seq, last.frame.seq);
    const chunk = deepHistory.newestUpTo(last.frame.seq);
    if (chunk !== this.#measured.chunk || chunk?.through !== this.#measured.through) {
      this.#measured = { chunk, through: chunk?.through };
      this.prices.setBook(chunk && pricesOf(chunk));
    }
    return deepHistory;
  }

  #textAt(logged: LoggedFrame, price: number, perPixel: number, deep: DeepHistory | undefined): string | undefined {
    const { decimals, sizeDecimals } = this.#playback;
    const pointed = { logged, price, perPixel, decimals, sizeDecimals };
    const { grid } = this.#columns;
    const chunk = deep?.chunkWith(logged.frame.seq);
    this.#pointed = deep && grid ? pointedDepth(pointed, chunk, grid) : pointedLevel(pointed);
    return this.#pointed;
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

/** Up to where the book is known, in words. */
function extentOf({ low, high }: PriceSpan, text: (price: number) => string): string {
  const from = Number.isFinite(low) ? ` from ${text(low)}` : "";
  const to = Number.isFinite(high) ? ` to ${text(high)}` : "";
  return from || to ? `The book is known${from}${to}.` : "All levels of the book are known.";
}
