/** Upper bounds of the buckets, in seconds, for latencies from half a millisecond to seconds. */
const latencyBuckets = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.013, 0.021, 0.05, 0.1, 0.25, 1, 5];

export interface LatencyHistogramOptions {
  /** Ends in `_seconds`. */
  readonly name: string;
  readonly help: string;
  /** Ascending upper bounds of the buckets, in seconds. */
  readonly buckets?: readonly number[];
}

/**
 * A Prometheus histogram for hot paths: an observation is a few comparisons and additions on typed arrays. prom-client's histogram looks up
 * and hashes labels and allocates at each observation; the histogram of `perf_hooks` has no buckets that Prometheus could add up over nodes.
 */
export class LatencyHistogram {
  readonly name: string;
  readonly #help: string;
  readonly #boundsMs: Float64Array;
  /** By bucket; the last is above all bounds. */
  readonly #counts: Float64Array;
  #sumMs = 0;

  constructor({ name, help, buckets = latencyBuckets }: LatencyHistogramOptions) {
    this.name = name;
    this.#help = help;
    this.#boundsMs = Float64Array.from(buckets, (seconds) => seconds * 1000);
    this.#counts = new Float64Array(buckets.length + 1);
  }

  /** HOT: records a duration in milliseconds; a negative one counts as 0. */
  observe(ms: number): void {
    const duration = Math.max(ms, 0);
    const bounds = this.#boundsMs;
    let bucket = 0;
    while (bucket < bounds.length && duration > (bounds[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += duration;
  }

  /** In Prometheus's text format, each series with these labels. */
  text(labels: string): string {
    const lines = [`# HELP ${this.name} ${this.#help}`, `# TYPE ${this.name} histogram`];
    let cumulative = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      cumulative += count;
      const bound = this.#boundsMs[bucket];
      const le = bound === undefined ? "+Inf" : String(bound / 1000);
      lines.push(`${this.name}_bucket{le="${le}",${labels}} ${cumulative}`);
    }
    lines.push(`${this.name}_sum{${labels}} ${this.#sumMs / 1000}`, `${this.name}_count{${labels}} ${cumulative}`);
    return lines.join("\n");
  }
}
