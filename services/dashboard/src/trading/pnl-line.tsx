import styles from "./trade-report.module.css";

const width = 600;
const height = 60;

/** Profit and loss from order to order, with the line at which there is neither. */
export function PnlLine({ values }: { readonly values: readonly number[] }) {
  const all = [0, ...values];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const y = (value: number) => height - 4 - ((value - low) / (high - low || 1)) * (height - 8);
  const points = all.map((value, nth) => `${(nth / (all.length - 1)) * width},${y(value)}`);
  return (
    <svg className={styles.line} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <line x1={0} x2={width} y1={y(0)} y2={y(0)} />
      <polyline points={points.join(" ")} />
    </svg>
  );
}
