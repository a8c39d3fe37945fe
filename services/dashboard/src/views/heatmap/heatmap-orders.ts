import type { SessionOrder } from "@tapedeck/protocol";
import type { PlaybackController } from "../../playback/playback-controller";
import { workingPrice } from "../../trading/orders/order-list";
import { label, type OrderLine } from "./order-lines";

interface HeatmapPlot {
  /** Without the axes, in CSS pixels. */
  plotSize(): { readonly width: number; readonly height: number };
  priceAt(y: number): number | undefined;
  yOf(price: number): number | undefined;
}

/** Room around a label that still counts as it, in CSS pixels. */
const slackPx = 3;

/** The user's working orders in the heatmap. Dragging the label of a limit order moves it to another price. */
export class HeatmapOrders {
  readonly #playback: PlaybackController;
  readonly #plot: HeatmapPlot;
  readonly #ending = new AbortController();
  #drag: { readonly order: SessionOrder; readonly fromY: number; price: number; moved: boolean } | undefined;

  /** Has to listen before anything else that a press on the element would start. */
  constructor(element: HTMLElement, playback: PlaybackController, plot: HeatmapPlot) {
    this.#playback = playback;
    this.#plot = plot;
    const { signal } = this.#ending;
    element.addEventListener("pointerdown", (event) => this.#onDown(event, element), { signal });
    element.addEventListener("pointermove", (event) => this.#onMove(event, element), { signal });
    element.addEventListener("pointerup", (event) => this.#onUp(event), { signal });
    element.addEventListener("pointercancel", () => this.#giveUp(), { signal });
    addEventListener("keydown", ({ key }) => key === "Escape" && this.#giveUp(), { signal });
  }

  dispose(): void {
    this.#ending.abort();
  }

  lines(): OrderLine[] {
    return this.#playback.trading.working.flatMap((order) => {
      const dragged = this.#drag?.order.order_id === order.order_id ? this.#drag : undefined;
      const price = dragged?.price ?? workingPrice(order);
      return price === null
        ? []
        : [{ order, price, sentMs: Date.parse(order.created_at), dragged: dragged !== undefined }];
    });
  }

  #orderAt(x: number, y: number): SessionOrder | undefined {
    const { width } = this.#plot.plotSize();
    const left = width - label.width - label.right;
    if (x < left - slackPx || x > width) return undefined;
    const line = this.lines().findLast(({ order, price }) => {
      const at = this.#plot.yOf(price);
      return order.type === "LIMIT" && at !== undefined && Math.abs(at - y) <= label.height / 2 + slackPx;
    });
    return line?.order;
  }

  #onDown(event: PointerEvent, element: HTMLElement): void {
    const order = event.button === 0 ? this.#orderAt(event.offsetX, event.offsetY) : undefined;
    const price = order && workingPrice(order);
    if (order === undefined || price === undefined || price === null) return;
    event.stopImmediatePropagation();
    element.setPointerCapture(event.pointerId);
    this.#drag = { order, fromY: event.offsetY, price, moved: false };
  }

  #onMove(event: PointerEvent, element: HTMLElement): void {
    const { offsetX: x, offsetY: y } = event;
    if (!this.#drag) {
      element.style.cursor = this.#orderAt(x, y) ? "ns-resize" : "";
      return;
    }
    event.stopImmediatePropagation();
    const price = this.#plot.priceAt(y);
    if (price === undefined || (!this.#drag.moved && Math.abs(y - this.#drag.fromY) < slackPx)) return;
    this.#drag.moved = true;
    this.#drag.price = this.#onTick(price);
    this.#playback.animation.invalidate();
  }

  #onUp(event: PointerEvent): void {
    const drag = this.#drag;
    if (!drag) return;
    event.stopImmediatePropagation();
    this.#giveUp();
    const { instrument } = this.#playback.trading.store.getState();
    if (!instrument || !drag.moved || drag.price === workingPrice(drag.order)) return;
    const price = drag.price.toFixed(instrument.price_decimals);
    void this.#playback.trading.replace(drag.order.order_id, { price });
  }

  #onTick(price: number): number {
    const { instrument } = this.#playback.trading.store.getState();
    if (!instrument) return price;
    const tick = Number(instrument.tick);
    return Number((Math.round(price / tick) * tick).toFixed(instrument.price_decimals));
  }

  #giveUp(): void {
    this.#drag = undefined;
    this.#playback.animation.invalidate();
  }
}
