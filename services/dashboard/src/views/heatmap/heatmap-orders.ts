import type { SessionOrder } from "@tapedeck/protocol";
import type { PlaybackController } from "../../playback/playback-controller";
import { workingPrice } from "../../trading/orders/order-list";
import { OrderDrag } from "../order-drag";
import { label, type OrderLine } from "./order-lines";

interface HeatmapPlot {
  /** Without the axes, in CSS pixels. */
  plotSize(): { readonly width: number; readonly height: number };
  priceAt(y: number): number | undefined;
  yOf(price: number): number | undefined;
}

/** Room around a label that still counts as it, in CSS pixels. */
const slackPx = 3;

/** The user's working orders in the heatmap. Dragging the label of one moves it to another price. */
export class HeatmapOrders {
  readonly #playback: PlaybackController;
  readonly #plot: HeatmapPlot;
  readonly #drag: OrderDrag;

  constructor(element: HTMLElement, playback: PlaybackController, plot: HeatmapPlot) {
    this.#playback = playback;
    this.#plot = plot;
    const orderAt = (x: number, y: number) => this.#orderAt(x, y);
    this.#drag = new OrderDrag(element, playback, { orderAt, priceAt: plot.priceAt });
  }

  dispose(): void {
    this.#drag.dispose();
  }

  lines(): OrderLine[] {
    const { dragged } = this.#drag;
    return this.#playback.trading.working.flatMap((order) => {
      const isDragged = dragged?.order.order_id === order.order_id;
      const price = isDragged ? dragged.price : workingPrice(order);
      return price === null ? [] : [{ order, price, sentMs: Date.parse(order.created_at), dragged: isDragged }];
    });
  }

  #orderAt(x: number, y: number): SessionOrder | undefined {
    const { width } = this.#plot.plotSize();
    const left = width - label.width - label.right;
    if (x < left - slackPx || x > width) return undefined;
    const line = this.lines().findLast(({ price }) => {
      const at = this.#plot.yOf(price);
      return at !== undefined && Math.abs(at - y) <= label.height / 2 + slackPx;
    });
    return line?.order;
  }
}
