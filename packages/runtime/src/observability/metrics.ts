import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { LatencyHistogram, type LatencyHistogramOptions } from "./latency-histogram.js";
import { errorsLogged } from "./logger.js";

/** A value, or one for each set of labels. */
export type Reading = number | Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;

interface ObservedMetric {
  /** `tapedeck_<thing>_<unit>`; a counter ends in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Called at each scrape. If it rejects, the series are omitted. */
  readonly read: () => Reading | Promise<Reading>;
}

export interface Metrics {
  /** Pass it as `registers: [metrics.registry]` to counters, gauges and histograms off the hot path. */
  readonly registry: Registry;
  readonly contentType: string;
  /** Exposes a number that other code keeps, so that counting costs no more than an addition. */
  observeCounter(metric: ObservedMetric): void;
  observeGauge(metric: ObservedMetric): void;
  /** A histogram for hot paths. */
  latencyHistogram(options: LatencyHistogramOptions): LatencyHistogram;
  /** All metrics in Prometheus's text format. */
  text(): Promise<string>;
}

/** Metrics with the labels service and node on every series, including those of the process (CPU, memory, event loop). */
export function createMetrics(service: string, node: string): Metrics {
  const registry = new Registry();
  const histograms: LatencyHistogram[] = [];
  registry.setDefaultLabels({ service, node });
  collectDefaultMetrics({ register: registry });

  const observe = (kind: typeof Counter | typeof Gauge, { name, help, labels = [], read }: ObservedMetric): void => {
    const metric = new kind({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      async collect() {
        const reading = await tryToRead(read);
        metric.reset();
        if (labels.length === 0 && typeof reading !== "number") metric.remove(); // 0 would look like a restart
        if (typeof reading === "number") metric.inc(reading);
        else for (const [its, value] of reading) metric.inc({ ...its }, value);
      },
    });
  };
  const metrics: Metrics = {
    registry,
    contentType: registry.contentType,
    observeCounter: (metric) => observe(Counter, metric),
    observeGauge: (metric) => observe(Gauge, metric),
    latencyHistogram(options) {
      const histogram = new LatencyHistogram(options);
      histograms.push(histogram);
      return histogram;
    },
    async text() {
      const labels = `service="${service}",node="${node}"`;
      return [await registry.metrics(), ...histograms.map((histogram) => histogram.text(labels)), ""].join("\n");
    },
  };
  metrics.observeCounter({ name: "tapedeck_errors_total", help: "Lines logged as errors", read: errorsLogged });
  return metrics;
}

async function tryToRead(read: ObservedMetric["read"]): Promise<Reading> {
  try {
    return await read();
  } catch {
    return []; // for example while Redis is away: the missing series shows it, and the others are still exposed
  }
}

/** Exposes the state of a process's cache of decompressed blocks. */
export function observeBlockCache(
  metrics: Metrics,
  cache: { readonly bytes: number; readonly hits: number; readonly misses: number },
): void {
  const name = (suffix: string) => `tapedeck_block_cache_${suffix}`;
  metrics.observeGauge({ name: name("bytes"), help: "Bytes of decompressed tape in memory", read: () => cache.bytes });
  metrics.observeCounter({
    name: name("hits_total"),
    help: "Block lookups found in the cache",
    read: () => cache.hits,
  });
  metrics.observeCounter({
    name: name("misses_total"),
    help: "Blocks that had to be read or generated",
    read: () => cache.misses,
  });
}

/** @param result `done`, or the code of the refusal */
export type CountCommand = (command: string, result: string) => void;

/** Counts users' commands by result, in apis and gateways alike. */
export function createCommandCounter({ registry }: Metrics): CountCommand {
  const counter = new Counter({
    name: "tapedeck_commands_total",
    help: "Commands of users, by command and result: done, or the code of the refusal",
    labelNames: ["command", "result"],
    registers: [registry],
  });
  return (command, result) => counter.inc({ command, result });
}
