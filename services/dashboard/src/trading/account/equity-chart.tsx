import { useMemo, useState } from "react";
import { useStore } from "zustand";
import { Segmented } from "../../design/controls";
import { priceText, signed } from "../../design/format";
import { useFrameSample, usePlayback } from "../../playback-context";
import styles from "./account.module.css";
import { type EquityPoint, equityCurve, startOf } from "./equity-curve";

type Curve = "profit" | "equity";

const curves: readonly { readonly value: Curve; readonly text: string; readonly title: string }[] = [
  { value: "profit", text: "P&L", title: "Equity, less what the first balances would be worth" },
  { value: "equity", text: "Equity", title: "All that the account has, at the mid price" },
];

/** Equity or profit since the first fill, up to the playhead; nothing before it. */
export function EquityChart() {
  const { trading, log } = usePlayback();
  const fills = useStore(trading.store, (state) => state.fills);
  const settings = useStore(trading.store, (state) => state.settings);
  const [curve, setCurve] = useState<Curve>("profit");
  // Twice a second at most: the newest point moves with the market.
  const beat = useFrameSample(({ version }) => version >> 2);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the log is not a value; `beat` says that it has grown
  const points = useMemo(
    () => (settings ? equityCurve(startOf(settings), fills, log) : []),
    [settings, fills, log, beat],
  );
  if (points.length < 2) return null;
  const values = points.map((point) => point[curve]);
  const last = values.at(-1) ?? 0;
  const text = curve === "profit" ? signed(last, 2) : priceText(last, 2);
  return (
    <section className={styles.chart} aria-label="Equity curve">
      <header>
        <Segmented label="Curve" options={curves} value={curve} onChoose={setCurve} />
        <strong data-sign={curve === "profit" ? Math.sign(last) : 0}>{text}</strong>
      </header>
      <CurveLine
        points={points}
        values={values}
        label={`${curve === "profit" ? "P&L" : "Equity"} up to here: ${text}`}
      />
    </section>
  );
}

const width = 600;
const height = 80;

interface CurveLineProps {
  readonly points: readonly EquityPoint[];
  /** One for each point. */
  readonly values: readonly number[];
  readonly label: string;
}

/** A line over tape time, with the first value as a dashed line. */
function CurveLine({ points, values, label }: CurveLineProps) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const from = points[0]?.ms ?? 0;
  const spanMs = (points.at(-1)?.ms ?? 0) - from || 1;
  const y = (value: number) => height - 4 - ((value - low) / (high - low || 1)) * (height - 8);
  const line = points.map(({ ms }, nth) => `${((ms - from) / spanMs) * width},${y(values[nth] ?? 0)}`);
  const first = y(values[0] ?? 0);
  return (
    <svg className={styles.line} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img">
      <title>{label}</title>
      <line x1={0} x2={width} y1={first} y2={first} />
      <polyline points={line.join(" ")} />
    </svg>
  );
}
