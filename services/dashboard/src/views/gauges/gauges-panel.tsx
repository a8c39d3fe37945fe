import type { Frame } from "@tapedeck/protocol";
// biome-ignore lint/style/noRestrictedImports: a library's style sheet, which it has there
import "uplot/dist/uPlot.min.css";
import { none } from "../../design/format";
import { Panel } from "../../design/panel";
import { useFrameSample, usePlayback } from "../../playback-context";
import { useView } from "../use-view";
import { chartPadding, Gauge } from "./gauge";
import { type GaugeDefinition, gaugeDefinitions, levelOf } from "./gauge-definitions";
import styles from "./gauges.module.css";

export function GaugesPanel() {
  return (
    <Panel title="Signals">
      <div className={styles.gauges}>
        {gaugeDefinitions.map((kind) => (
          <GaugeRow key={kind.id} kind={kind} />
        ))}
      </div>
    </Panel>
  );
}

/** What the value of a gauge with levels is called. */
function nameOf(frame: Frame, { lines, levels = [] }: GaugeDefinition): string {
  const value = lines[0]?.read(frame);
  return value === undefined ? "" : (levelOf(value, levels)?.name ?? "low");
}

/** Where a value lies in the chart, from its lower end: as the chart itself pads its line. */
function heightOf(value: number, { scale: [from, to] = [0, 1] }: GaugeDefinition): string {
  return `calc(${chartPadding}px + (100% - ${2 * chartPadding}px) * ${(value - from) / (to - from)})`;
}

function GaugeRow({ kind }: { readonly kind: GaugeDefinition }) {
  const { host } = useView((element, playback) => new Gauge(element, playback, kind));
  const playback = usePlayback();
  const frame = useFrameSample(({ shown }) => shown?.frame);
  return (
    <div className={styles.gauge} title={kind.hint} data-gauge={kind.id}>
      <div className={styles.label}>
        <span>{kind.title}</span>
        <strong style={frame && { color: `var(${kind.tone(frame)})` }}>
          {frame ? kind.text(frame, playback.decimals) : none}
          {frame && kind.levels && <small> {nameOf(frame, kind)}</small>}
        </strong>
      </div>
      <div className={styles.chart}>
        <div ref={host} className={styles.plot} aria-hidden="true" />
        {kind.levels?.map(({ from, name, token }) => (
          <span key={name} className={styles.level} style={{ bottom: heightOf(from, kind), color: `var(${token})` }}>
            {from} {name}
          </span>
        ))}
      </div>
    </div>
  );
}
