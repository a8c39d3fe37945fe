import type { SessionOrder } from "@tapedeck/protocol";
import {
  createSeriesMarkers,
  type IPriceLine,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  LineStyle,
  type SeriesMarker,
  type Time,
} from "lightweight-charts";
import { themeColour } from "../../design/theme";
import type { PlaybackController } from "../../playback/playback-controller";
import { labelOf, workingPrice } from "../../trading/orders/order-list";
import { OrderDrag } from "../order-drag";
import { seconds } from "./chart-time";

/** More would hide the price. */
const maxMarkers = 300;
/** Lines above this many are left out, the oldest first. */
const maxLines = 30;

/** Where a line can be grasped: at its label beside the price axis and on the axis, so that a drag of the chart moves no order. In CSS pixels. */
const grip = { width: 130, slack: 7 } as const;

/** The user's working orders as lines across the price chart, which are dragged by their labels, and fills as arrows. */
export class ChartOrders {
  readonly #series: ISeriesApi<"Line">;
  readonly #playback: PlaybackController;
  readonly #fills: ISeriesMarkersPluginApi<Time>;
  readonly #drag: OrderDrag;
  readonly #plotWidth: () => number;
  #lines: IPriceLine[] = [];
  #drawn = "";

  /** @param plotWidth without the price axis, in CSS pixels */
  constructor(host: HTMLElement, series: ISeriesApi<"Line">, playback: PlaybackController, plotWidth: () => number) {
    this.#series = series;
    this.#playback = playback;
    this.#plotWidth = plotWidth;
    this.#fills = createSeriesMarkers(series, []);
    this.#drag = new OrderDrag(host, playback, {
      orderAt: (x, y) => this.#orderAt(x, y),
      priceAt: (y) => series.coordinateToPrice(y) ?? undefined,
    });
  }

  dispose(): void {
    this.#drag.dispose();
  }

  /** The lines in words. */
  get described(): string {
    return this.#shownOrders
      .filter((order) => workingPrice(order) !== null)
      .map((order) => `${labelOf(order)} at ${workingPrice(order)}`)
      .join(", ");
  }

  /** Draws anew, for example in the colours of another theme, or when the frames below the arrows are others. */
  forget(): void {
    this.#drawn = "";
  }

  paint(): void {
    const { trading, log } = this.#playback;
    const { fillMarks } = trading;
    const first = log.first?.ms ?? Infinity;
    const visible = fillMarks.filter(({ ms }) => ms >= first).slice(-maxMarkers);
    const orders = this.#shownOrders;
    const key = [
      ...orders.map((order) => `${order.order_id} ${this.#priceOf(order)} ${labelOf(order)} ${order.status}`),
      ...visible.map(({ ms, price }) => `${ms} ${price}`),
    ].join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    for (const line of this.#lines.splice(0)) this.#series.removePriceLine(line);
    for (const order of orders) {
      const price = this.#priceOf(order);
      if (price === null) continue;
      const line = this.#series.createPriceLine({
        price,
        color: themeColour(`--${order.side}`),
        lineWidth: 1,
        lineStyle: order.status === "PENDING" ? LineStyle.Dotted : LineStyle.Dashed,
        axisLabelVisible: true,
        title: labelOf(order),
      });
      this.#lines.push(line);
    }
    const markers: SeriesMarker<Time>[] = visible.flatMap(({ ms, price, side }) => {
      const logged = log.at(log.indexAt(ms));
      if (!logged) return [];
      const bought = side === "buy";
      return [
        {
          time: seconds(logged.ms),
          position: bought ? ("atPriceBottom" as const) : ("atPriceTop" as const),
          price,
          shape: bought ? ("arrowUp" as const) : ("arrowDown" as const),
          color: themeColour(`--${side}`),
          size: 1,
        },
      ];
    });
    this.#fills.setMarkers(markers);
  }

  get #shownOrders(): readonly SessionOrder[] {
    return this.#playback.trading.working.slice(-maxLines);
  }

  /** Where it is, or where it is being dragged to. */
  #priceOf(order: SessionOrder): number | null {
    const { dragged } = this.#drag;
    return dragged?.order.order_id === order.order_id ? dragged.price : workingPrice(order);
  }

  #orderAt(x: number, y: number): SessionOrder | undefined {
    if (x < this.#plotWidth() - grip.width) return undefined;
    return this.#shownOrders.findLast((order) => {
      const price = workingPrice(order);
      const at = price === null ? null : this.#series.priceToCoordinate(price);
      return at !== null && Math.abs(at - y) <= grip.slack;
    });
  }
}
