/** The value below which the share `p` (0 to 1) of the values lies; NaN of none. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}

/** `p50 1.2 p99 4.5 max 7.9`, in the unit of the values. */
export function describe(values: readonly number[]): string {
  const [p50, p99, max] = [0.5, 0.99, 1].map((p) => percentile(values, p).toFixed(1));
  return `p50 ${p50} p99 ${p99} max ${max}`;
}
