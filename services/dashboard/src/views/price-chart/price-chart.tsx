import {
  ColorType,
  CrosshairMode,
  createChart,
  createSeriesMarkers,
  type IChartApi,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type LineData,
  LineSeries,
  LineStyle,
  type MouseEventParams,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
  type WhitespaceData,
} from "lightweight-charts";
import { IconButton } from "../../design/controls";
import { clockText, priceText } from "../../design/format";
import { Panel } from "../../design/panel";
import { theme, themeColour, translucent } from "../../design/theme";
import { useExportableChart } from "../../export/exportable-charts";
import type { AnimatedView } from "../../playback/animation-loop";
import { follows, type LoggedFrame } from "../../playback/frame-log";
import { rankOf } from "../../playback/frame-values";
import type { PlaybackController } from "../../playback/playback-controller";
import { anomalyFilter, passes } from "../anomalies/anomaly-filter";
import { InspectionMark, useView } from "../view";
import { ChartOrders } from "./chart-orders";
import { seconds } from "./chart-time";
import styles from "./price-chart.module.css";

const maxMarkers = 120;
/** A screen reader reads each change aloud. */
const describeEveryMs = 500;
/** After this many updates the chart is filled from the log again, so that it does not grow for ever. */
const redrawAfter = 2048;

type Point = LineData<Time> | WhitespaceData<Time>;

/** Mid price and microprice as lines, with markers for anomalies. */
class PriceChart implements AnimatedView {
  readonly everyMs = 60;
  #playback: PlaybackController;
  readonly #host: HTMLElement;
  #chart: IChartApi;
  #mid: ISeriesApi<"Line">;
  #micro: ISeriesApi<"Line">;
  #marks: ISeriesMarkersPluginApi<Time>;
  readonly #orders: ChartOrders;
  #seenRevision = -1;
  #seenAppended = 0;
  #updates = 0;
  #lastMs = -Infinity;
  #decimals = -1;
  #marked = { revision: -1, count: -1, at: 0 };
  #undo: (() => void)[];

  constructor(host: HTMLElement, playback: PlaybackController) {
    this.#playback = playback;
    this.#host = host;
    this.#chart = createChart(host, {
      autoSize: true,
      crosshair: { mode: CrosshairMode.Normal },
      localization: {
        timeFormatter: (time: Time) => clockText(Number(time) * 1000),
        locale: "en-US",
        priceFormatter: (price: number) => priceText(price, Math.max(0, this.#decimals)),
      },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        secondsVisible: true,
        rightOffset: 12,
        // About seven hundred frames across, so it shows more time than the heatmap.
        barSpacing: 1,
        allowBoldLabels: false,
        minBarSpacing: 0.05,
        tickMarkFormatter: (time: Time) => clockText(Number(time) * 1000, 0),
      },
      rightPriceScale: { borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.12, bottom: 0.1 } },
      handleScale: { axisPressedMouseMove: true },
    });
    const quiet = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false } as const;
    this.#micro = this.#chart.addSeries(LineSeries, { ...quiet, lineWidth: 1, lineStyle: LineStyle.Solid });
    this.#mid = this.#chart.addSeries(LineSeries, { ...quiet, lineWidth: 2, lastValueVisible: true });
    this.#marks = createSeriesMarkers(this.#mid, []);
    this.#orders = new ChartOrders(host, this.#mid, playback, () => this.#chart.timeScale().width());
    this.#applyColours();
    this.#chart.subscribeCrosshairMove((event) => this.#point(event));
    this.#chart.subscribeClick((event) => this.#pin(event));
    this.#undo = [
      () => this.#orders.dispose(),
      theme.subscribe(() => this.#applyColours()),
      anomalyFilter.subscribe(() => {
        this.#marked.count = -1;
        playback.animation.invalidate();
      }),
      playback.animation.add(this),
      playback.animation.add({ everyMs: describeEveryMs, paint: () => this.#describe() }),
    ];
  }

  toCanvas(): HTMLCanvasElement {
    return this.#chart.takeScreenshot();
  }

  /** Scrolls to the newest frame with the default zoom. */
  follow(): void {
    this.#chart.timeScale().resetTimeScale();
    this.#chart.priceScale("right").applyOptions({ autoScale: true });
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#chart.remove();
  }

  paint(now: number): undefined {
    const { log } = this.#playback;
    if (log.revision !== this.#seenRevision || this.#updates > redrawAfter) this.#redraw();
    else this.#append(Math.min(log.length, log.appended - this.#seenAppended));
    this.#seenRevision = log.revision;
    this.#seenAppended = log.appended;
    this.#mark(now);
    this.#orders.paint();
  }

  /** Returns true if the description has changed, as the chart may still be moving. */
  #describe(): boolean {
    const { height } = this.#chart.paneSize();
    const [high, low] = [0, height].map((y) => this.#mid.coordinateToPrice(y));
    if (high == null || low == null) return false;
    const text = (price: number) => price.toFixed(this.#playback.decimals);
    const orders = this.#orders.described;
    const sentences = [
      "Mid price and microprice over time.",
      `Prices from ${text(low)} to ${text(high)}.`,
      ...(orders === "" ? [] : [`Your orders: ${orders}.`]),
    ];
    const label = sentences.join(" ");
    const changed = label !== this.#host.getAttribute("aria-label");
    if (changed) this.#host.setAttribute("aria-label", label);
    return changed;
  }

  #redraw(): void {
    const { log } = this.#playback;
    const scale = this.#chart.timeScale();
    // Keeps the visible range when the user has scrolled back.
    const kept = scale.scrollPosition() < 0 ? scale.getVisibleRange() : null;
    const mid: Point[] = [];
    const micro: Point[] = [];
    this.#lastMs = -Infinity;
    for (let index = 0; index < log.length; index++) {
      const logged = log.at(index);
      if (!logged) continue;
      const broken = !follows(log.at(index - 1), logged);
      for (const time of this.#timesOf(logged, broken)) {
        mid.push(time.gap ? { time: time.at } : { time: time.at, value: logged.frame.mid_price });
        micro.push(time.gap ? { time: time.at } : { time: time.at, value: logged.frame.microprice });
      }
    }
    this.#setDecimals();
    this.#mid.setData(mid);
    this.#micro.setData(micro);
    if (kept) scale.setVisibleRange(kept);
    this.#updates = 0;
    this.#marked.count = -1;
    this.#orders.forget();
  }

  #append(fresh: number): void {
    const { log } = this.#playback;
    if (fresh > 0) this.#setDecimals();
    for (let index = log.length - fresh; index < log.length; index++) {
      const logged = log.at(index);
      if (!logged) continue;
      const broken = !follows(log.at(index - 1), logged);
      for (const { at, gap } of this.#timesOf(logged, broken)) {
        this.#mid.update(gap ? { time: at } : { time: at, value: logged.frame.mid_price });
        this.#micro.update(gap ? { time: at } : { time: at, value: logged.frame.microprice });
      }
      this.#updates++;
    }
  }

  /** Times must increase: of frames with the same time the last one counts. A gap breaks the line. */
  #timesOf({ ms }: LoggedFrame, broken: boolean): { at: UTCTimestamp; gap: boolean }[] {
    const times: { at: UTCTimestamp; gap: boolean }[] = [];
    if (ms < this.#lastMs) return times;
    if (broken && ms - this.#lastMs > 2 && this.#lastMs > 0) times.push({ at: seconds(this.#lastMs + 1), gap: true });
    if (ms > this.#lastMs) times.push({ at: seconds(ms), gap: false });
    this.#lastMs = ms;
    return times;
  }

  #setDecimals(): void {
    // A mid price between two ticks has one more decimal.
    const decimals = Math.min(8, this.#playback.decimals + 1);
    if (decimals === this.#decimals) return;
    this.#decimals = decimals;
    const priceFormat = { type: "price", precision: decimals, minMove: 10 ** -decimals } as const;
    this.#mid.applyOptions({ priceFormat });
    this.#micro.applyOptions({ priceFormat });
  }

  #mark(now: number): void {
    const { anomalies, log } = this.#playback;
    const items = anomalies.items;
    const stale = anomalies.revision !== this.#marked.revision || items.at(-1)?.seq !== this.#marked.count;
    if (!stale || now - this.#marked.at < 400) return;
    this.#marked = { revision: anomalies.revision, count: items.at(-1)?.seq ?? -1, at: now };
    const filter = anomalyFilter.getState();
    const markers: SeriesMarker<Time>[] = [];
    for (let index = items.length - 1; index >= 0 && markers.length < maxMarkers; index--) {
      const anomaly = items[index];
      if (!anomaly || !passes(filter, anomaly)) continue;
      const logged = log.at(log.indexOfSeq(anomaly.seq));
      if (!logged) continue;
      const rank = rankOf(anomaly.severity);
      markers.push({
        time: seconds(logged.ms),
        position: "aboveBar",
        shape: rank >= 2 ? "arrowDown" : "circle",
        color: themeColour(`--${anomaly.severity}`),
        size: rank >= 2 ? 0.9 : 0.5,
      });
    }
    this.#marks.setMarkers(markers.reverse());
  }

  #applyColours(): void {
    this.#chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: themeColour("--surface") },
        textColor: themeColour("--ink-3"),
        fontFamily: '"Inter Tabular", system-ui, sans-serif',
        fontSize: 10.5,
        attributionLogo: false,
      },
      grid: { vertLines: { visible: false }, horzLines: { color: themeColour("--grid") } },
      crosshair: {
        vertLine: {
          color: themeColour("--ink-3"),
          labelBackgroundColor: themeColour("--line-strong"),
          style: LineStyle.Dashed,
        },
        horzLine: {
          color: themeColour("--ink-3"),
          labelBackgroundColor: themeColour("--line-strong"),
          style: LineStyle.Dashed,
        },
      },
    });
    this.#mid.applyOptions({ color: themeColour("--accent") });
    this.#micro.applyOptions({ color: translucent("--info", 0.6) });
    this.#marked.count = -1;
    this.#orders.forget();
    this.#playback.animation.invalidate();
  }

  #seqAt(event: MouseEventParams): number | undefined {
    if (event.time === undefined) return undefined;
    const { log } = this.#playback;
    return log.at(log.indexAt(Number(event.time) * 1000 + 0.5))?.frame.seq;
  }

  #point(event: MouseEventParams): void {
    if (!this.#playback.isPlaying) this.#playback.inspection.point(this.#seqAt(event));
  }

  #pin(event: MouseEventParams): void {
    const { inspection } = this.#playback;
    const seq = this.#seqAt(event);
    if (inspection.store.getState().pinned) inspection.release();
    else if (seq !== undefined) inspection.pin(seq);
  }
}

export function PricePanel() {
  const { host, view } = useView((element, playback) => new PriceChart(element, playback));
  useExportableChart("price", view);
  return (
    <Panel
      title="Price"
      note={
        <>
          <span className={styles.legend}>
            <i data-line="mid" /> mid
            <i data-line="micro" /> microprice
          </span>
          <InspectionMark />
        </>
      }
      aside={<IconButton icon="reset" label="Jump to newest" size={14} onClick={() => view?.follow()} />}
    >
      <div ref={host} className={styles.host} role="img" aria-label="Mid price and microprice over time" />
    </Panel>
  );
}
