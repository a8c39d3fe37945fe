// biome-ignore lint/style/noRestrictedImports: a library's style sheet, which it has there
import "uplot/dist/uPlot.min.css";
import { useDeck, useGlance } from "../../deck-context";
import { none } from "../../design/format";
import { Panel } from "../../design/panel";
import { useView } from "../use-view";
import { Gauge } from "./gauge";
import { type GaugeKind, gaugeKinds } from "./gauge-series";
import styles from "./gauges.module.css";

export function GaugesPanel() {
  return (
    <Panel title="Signals">
      <div className={styles.gauges}>
        {gaugeKinds.map((kind) => (
          <GaugeRow key={kind.id} kind={kind} />
        ))}
      </div>
    </Panel>
  );
}

function GaugeRow({ kind }: { readonly kind: GaugeKind }) {
  const { host } = useView((element, deck) => new Gauge(element, deck, kind));
  const deck = useDeck();
  const frame = useGlance(({ shown }) => shown?.frame);
  return (
    <div className={styles.gauge} title={kind.hint} data-gauge={kind.id}>
      <div className={styles.label}>
        <span>{kind.title}</span>
        <strong style={frame && { color: `var(${kind.tone(frame)})` }}>
          {frame ? kind.text(frame, deck.decimals) : none}
        </strong>
      </div>
      <div ref={host} className={styles.plot} aria-hidden="true" />
    </div>
  );
}
