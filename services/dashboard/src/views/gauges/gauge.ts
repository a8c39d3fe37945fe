import uPlot from "uplot";
import { theme, themeColour, translucent } from "../../design/theme";
import type { AnimatedView } from "../../playback/animation-loop";
import type { PlaybackController } from "../../playback/playback-controller";
import { watchSize } from "../canvas-surface";
import type { GaugeDefinition } from "./gauge-definitions";

/** Points across at most: more than there are pixels would only cost time. */
const mostPoints = 360;

/** Above and below the line, in CSS pixels. */
export const chartPadding = 3;

/** A line of the last stretch of tape time, over the same window as the heatmap. */
export class Gauge implements AnimatedView {
  readonly everyMs = 100;
  #playback: PlaybackController;
  #kind: GaugeDefinition;
  #host: HTMLElement;
  #plot: uPlot | undefined;
  #seqs: number[] = [];
  #undo: (() => void)[];

  constructor(host: HTMLElement, playback: PlaybackController, kind: GaugeDefinition) {
    this.#playback = playback;
    this.#kind = kind;
    this.#host = host;
    this.#make();
    this.#undo = [
      watchSize(host, (width, height) => {
        if (width > 0 && height > 0) this.#plot?.setSize({ width, height });
        playback.animation.invalidate();
      }),
      theme.subscribe(() => {
        this.#plot?.destroy();
        this.#make();
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
    const every = Math.max(1, Math.ceil((last - first + 1) / mostPoints));
    const xs: number[] = [];
    const columns: (number | null)[][] = this.#kind.lines.map(() => []);
    this.#seqs = [];
    for (let index = first - (first % every); index <= last; index += every) {
      const logged = log.at(index);
      if (!logged) continue;
      xs.push(logged.ms / 1000);
      this.#seqs.push(logged.frame.seq);
      this.#kind.lines.forEach(({ read }, nth) => {
        columns[nth]?.push(read(logged.frame) ?? null);
      });
    }
    plot.setData([xs, ...columns], false);
    plot.batch(() => {
      plot.setScale("x", { min: from / 1000, max: to / 1000 });
      const [min, max] = this.#kind.scale ?? [0, Math.max(1e-9, ...(columns[0] ?? []).map((y) => y ?? 0)) * 1.15];
      plot.setScale("y", { min, max });
    });
  }

  #make(): void {
    const { lines, stepped, title } = this.#kind;
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
              if (!this.#playback.standing) return;
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
