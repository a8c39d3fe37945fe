import { Counter, collectDefaultMetrics, Registry } from "prom-client";
import { errorsLogged } from "./logger.js";

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
  new Counter({
    name: "tapedeck_errors_total",
    help: "Lines logged as errors",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(errorsLogged());
    },
  });
  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
