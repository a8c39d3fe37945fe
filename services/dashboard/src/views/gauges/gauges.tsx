// biome-ignore lint/style/noRestrictedImports: the path of the style sheet in its package
import "uplot/dist/uPlot.min.css";
import type { Frame } from "@tapedeck/protocol";
import uPlot from "uplot";
import { none } from "../../design/format";
import { Panel } from "../../design/panel";
import { theme, themeColour, translucent } from "../../design/theme";
import type { AnimatedView } from "../../playback/animation-loop";
import type { PlaybackController } from "../../playback/playback-controller";
import { useFrameSample, usePlayback } from "../../playback-context";
import { watchSize } from "../canvas-surface";
import { useView } from "../view";
import { type GaugeDefinition, gaugeDefinitions, levelOf } from "./gauge-definitions";
import styles from "./gauges.module.css";

/** More points than pixels would only cost time. */
const maxPoints = 360;

/** Above and below the line, in CSS pixels. */
const chartPadding = 3;

/** A line chart over the same time window as the heatmap. */
class Gauge implements AnimatedView {
  readonly everyMs = 100;
  #playback: PlaybackController;
  #definition: GaugeDefinition;
  #host: HTMLElement;
  #plot: uPlot | undefined;
  #seqs: number[] = [];
  #undo: (() => void)[];

  constructor(host: HTMLElement, playback: PlaybackController, definition: GaugeDefinition) {
    this.#playback = playback;
    this.#definition = definition;
    this.#host = host;
    this.#createPlot();
    this.#undo = [
      watchSize(host, (width, height) => {
        if (width > 0 && height > 0) this.#plot?.setSize({ width, height });
        playback.animation.invalidate();
      }),
      theme.subscribe(() => {
        this.#plot?.destroy();
        this.#createPlot();
        playback.animation.invalidate();
      }),
      playback.animation.add(this),
    ];
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#plot?.destroy();
  }

  paint(): undefined {
    const plot = this.#plot;
    if (!plot) return;
    const { log, viewport } = this.#playback;
    const { from, to } = viewport.window;
    const first = Math.max(0, log.indexAt(from));
    const last = log.indexAt(to);
    const every = Math.max(1, Math.ceil((last - first + 1) / maxPoints));
    const xs: number[] = [];
    const columns: (number | null)[][] = this.#definition.lines.map(() => []);
    this.#seqs = [];
    for (let index = first - (first % every); index <= last; index += every) {
      const logged = log.at(index);
      if (!logged) continue;
      xs.push(logged.ms / 1000);
      this.#seqs.push(logged.frame.seq);
      this.#definition.lines.forEach(({ read }, nth) => {
        columns[nth]?.push(read(logged.frame) ?? null);
      });
    }
    plot.setData([xs, ...columns], false);
    plot.batch(() => {
      plot.setScale("x", { min: from / 1000, max: to / 1000 });
      const [min, max] = this.#definition.scale ?? [0, Math.max(1e-9, ...(columns[0] ?? []).map((y) => y ?? 0)) * 1.15];
      plot.setScale("y", { min, max });
    });
  }

  #createPlot(): void {
    const { lines, stepped, title } = this.#definition;
    const paths = stepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
    this.#plot = new uPlot(
      {
        width: Math.max(40, this.#host.clientWidth),
        height: Math.max(20, this.#host.clientHeight),
        legend: { show: false },
        padding: [chartPadding, 0, chartPadding, 0],
        axes: [{ show: false }, { show: false }],
        scales: { x: { time: false, auto: false }, y: { auto: false } },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false } },
        series: [
          {},
          ...lines.map(({ token }, nth) => ({
            label: title,
            stroke: themeColour(token),
            width: nth === 0 ? 1.5 : 1,
            points: { show: false },
            ...(paths && { paths }),
            ...(nth === 0 && { fill: translucent(token, 0.11) }),
          })),
        ],
        hooks: {
          setCursor: [
            ({ cursor }) => {
              const { idx } = cursor;
              if (this.#playback.isPlaying) return;
              this.#playback.inspection.point(idx === null || idx === undefined ? undefined : this.#seqs[idx]);
            },
          ],
        },
      },
      [[], ...lines.map(() => [])],
      this.#host,
    );
  }
}

export function GaugesPanel() {
  return (
    <Panel title="Signals">
      <div className={styles.gauges}>
        {gaugeDefinitions.map((definition) => (
          <GaugeRow key={definition.id} definition={definition} />
        ))}
      </div>
    </Panel>
  );
}

/** The name of the level that the value has reached. */
function levelName(frame: Frame, { lines, levels = [] }: GaugeDefinition): string {
  const value = lines[0]?.read(frame);
  return value === undefined ? "" : (levelOf(value, levels)?.name ?? "low");
}

/** Position of a value in the chart, from the bottom, with the padding of the chart. */
function heightOf(value: number, { scale: [from, to] = [0, 1] }: GaugeDefinition): string {
  return `calc(${chartPadding}px + (100% - ${2 * chartPadding}px) * ${(value - from) / (to - from)})`;
}

function GaugeRow({ definition }: { readonly definition: GaugeDefinition }) {
  const { host } = useView((element, playback) => new Gauge(element, playback, definition));
  const playback = usePlayback();
  const frame = useFrameSample(({ shown }) => shown?.frame);
  return (
    <div className={styles.gauge} title={definition.hint} data-gauge={definition.id}>
      <div className={styles.label}>
        <span>{definition.title}</span>
        <strong style={frame && { color: `var(${definition.tone(frame)})` }}>
          {frame ? definition.text(frame, playback.decimals) : none}
          {frame && definition.levels && <small> {levelName(frame, definition)}</small>}
        </strong>
      </div>
      <div className={styles.chart}>
        <div ref={host} className={styles.plot} aria-hidden="true" />
        {definition.levels?.map(({ from, name, token }, nth) => (
          <div
            key={name}
            className={styles.level}
            data-lowest={nth === 0 ? "yes" : "no"}
            style={{ bottom: heightOf(from, definition), color: `var(${token})` }}
          >
            <span>
              {from} {name}
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}
