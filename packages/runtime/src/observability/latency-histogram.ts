/** Upper bounds of buckets, in seconds, for what takes from half a millisecond to some seconds. */
export const latencyBuckets = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.013, 0.021, 0.05, 0.1, 0.25, 1, 5] as const;

export interface LatencyHistogramOptions {
  /** Ends in `_seconds`. */
  readonly name: string;
  readonly help: string;
  /** Upper bounds of the buckets, growing, in seconds. */
  readonly bounds?: readonly number[];
}

/**
 * A histogram of durations for hot paths: noting one is a few comparisons and additions on typed arrays. prom-client's own looks
 * labels up, hashes them and allocates at each observation.
 */
export class LatencyHistogram {
  readonly name: string;
  readonly #help: string;
  readonly #boundsMs: Float64Array;
  /** By bucket; the last one is above all bounds. */
  readonly #counts: Float64Array;
  #sumMs = 0;

  constructor({ name, help, bounds = latencyBuckets }: LatencyHistogramOptions) {
    this.name = name;
    this.#help = help;
    this.#boundsMs = Float64Array.from(bounds, (seconds) => seconds * 1000);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** HOT: notes a duration in milliseconds; below 0 counts as 0. */
  add(ms: number): void {
    const taken = Math.max(ms, 0);
    const bounds = this.#boundsMs;
    let bucket = 0;
    while (bucket < bounds.length && taken > (bounds[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += taken;
  }

  /** In Prometheus's text format, each series with these labels. */
  text(labels: string): string {
    const lines = [`# HELP ${this.name} ${this.#help}`, `# TYPE ${this.name} histogram`];
    let below = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      below += count;
      const bound = this.#boundsMs[bucket];
      const le = bound === undefined ? "+Inf" : String(bound / 1000);
      lines.push(`${this.name}_bucket{le="${le}",${labels}} ${below}`);
    }
    lines.push(`${this.name}_sum{${labels}} ${this.#sumMs / 1000}`, `${this.name}_count{${labels}} ${below}`);
    return lines.join("\n");
  }
}
