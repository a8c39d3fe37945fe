import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { LatencyHistogram, type LatencyHistogramOptions } from "./latency-histogram.js";
import { errorsLogged } from "./logger.js";

/** Labels and a value, or a value alone. */
export type Reading = number | Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;

interface ObservedMetric {
  /** `tapedeck_<thing>_<unit>`; a counter ends in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Called when Prometheus asks. Where it rejects, the series are left out. */
  readonly read: () => Reading | Promise<Reading>;
}

export interface Metrics {
  /** Give it as `registers: [metrics.registry]` to counters, gauges and histograms that count off the hot path. */
  readonly registry: Registry;
  readonly contentType: string;
  /** Shows a number that somebody else keeps, so that keeping it costs no more than an addition. */
  observeCounter(shown: ObservedMetric): void;
  observeGauge(shown: ObservedMetric): void;
  /** A histogram for hot paths. */
  latencyHistogram(options: LatencyHistogramOptions): LatencyHistogram;
  /** Everything in Prometheus's text format. */
  text(): Promise<string>;
}

/** Metrics whose every series bears service and node, with the process's own numbers (CPU, memory, event loop). */
export function createMetrics(service: string, node: string): Metrics {
  const registry = new Registry();
  const tallies: LatencyHistogram[] = [];
  registry.setDefaultLabels({ service, node });
  collectDefaultMetrics({ register: registry });

  const show = (kind: typeof Counter | typeof Gauge, { name, help, labels = [], read }: ObservedMetric): void => {
    const metric = new kind({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      async collect() {
        const reading = await readQuietly(read);
        metric.reset();
        if (labels.length === 0 && typeof reading !== "number") metric.remove(); // 0 would look like a new start
        if (typeof reading === "number") metric.inc(reading);
        else for (const [its, value] of reading) metric.inc({ ...its }, value);
      },
    });
  };
  const metrics: Metrics = {
    registry,
    contentType: registry.contentType,
    observeCounter: (shown) => show(Counter, shown),
    observeGauge: (shown) => show(Gauge, shown),
    latencyHistogram(options) {
      const tally = new LatencyHistogram(options);
      tallies.push(tally);
      return tally;
    },
    async text() {
      const labels = `service="${service}",node="${node}"`;
      return [await registry.metrics(), ...tallies.map((tally) => tally.text(labels)), ""].join("\n");
    },
  };
  metrics.observeCounter({ name: "tapedeck_errors_total", help: "Lines logged as errors", read: errorsLogged });
  return metrics;
}

async function readQuietly(read: ObservedMetric["read"]): Promise<Reading> {
  try {
    return await read();
  } catch {
    return []; // such as Redis's absence: a series that is missing says it, and the others must still be told
  }
}

/** Shows what a process's cache of decompressed blocks does. */
export function observeBlockCache(
  metrics: Metrics,
  cache: { readonly bytes: number; readonly hits: number; readonly misses: number },
): void {
  const name = (what: string) => `tapedeck_block_cache_${what}`;
  metrics.observeGauge({ name: name("bytes"), help: "Bytes of decompressed tape in memory", read: () => cache.bytes });
  metrics.observeCounter({ name: name("hits_total"), help: "Looks for a block that found it", read: () => cache.hits });
  metrics.observeCounter({ name: name("misses_total"), help: "Blocks that had to be read", read: () => cache.misses });
}
