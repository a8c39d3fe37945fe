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
import { workingPrice } from "../../trading/orders/order-list";
import { seconds } from "./chart-time";

/** More would hide the price. */
const maxMarkers = 300;
/** Lines above this many are left out, the oldest first. */
const maxLines = 30;

/** The user's working orders as lines across the price chart, and fills as arrows. */
export class ChartOrders {
  readonly #series: ISeriesApi<"Line">;
  readonly #playback: PlaybackController;
  readonly #fills: ISeriesMarkersPluginApi<Time>;
  #lines: IPriceLine[] = [];
  #drawn = "";

  constructor(series: ISeriesApi<"Line">, playback: PlaybackController) {
    this.#series = series;
    this.#playback = playback;
    this.#fills = createSeriesMarkers(series, []);
  }

  /** Draws anew, for example in the colours of another theme, or when the frames below the arrows are others. */
  forget(): void {
    this.#drawn = "";
  }

  paint(): void {
    const { trading, log } = this.#playback;
    const { working, fillMarks } = trading;
    const first = log.first?.ms ?? Infinity;
    const visible = fillMarks.filter(({ ms }) => ms >= first).slice(-maxMarkers);
    const orders = working.slice(-maxLines);
    const key = [
      ...orders.map((order) => `${order.order_id} ${workingPrice(order)} ${order.open}`),
      ...visible.map(({ ms, price }) => `${ms} ${price}`),
    ].join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    for (const line of this.#lines.splice(0)) this.#series.removePriceLine(line);
    for (const order of orders) {
      const price = workingPrice(order);
      if (price === null) continue;
      const kind = order.type === "LIMIT" ? "" : " stop";
      const line = this.#series.createPriceLine({
        price,
        color: themeColour(`--${order.side}`),
        lineWidth: 1,
        lineStyle: LineStyle.Dashed,
        axisLabelVisible: true,
        title: `${order.side === "buy" ? "Buy" : "Sell"}${kind} ${order.open}`,
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
}
