import { collectDefaultMetrics, Registry } from "prom-client";

export interface Metrics {
  /** Give it as `registers: [metrics.registry]` to each counter, gauge and histogram. */
  readonly registry: Registry;
  readonly contentType: string;
  /** Everything in Prometheus's text format. */
  text(): Promise<string>;
}

/** A registry whose every series bears service and node, with the process's own numbers (CPU, memory, event loop). */
export function createMetrics(service: string, node: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service, node });
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
