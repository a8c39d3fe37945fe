import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { TracingOptions } from "./tracing.js";

/** Apart from `tracing.ts`, so that a process that exports no traces loads none of this. */
export function startExporting({ service, node, log }: Omit<TracingOptions, "config">): () => Promise<void> {
  const own = resourceFromAttributes({ "service.name": `tapedeck-${service}`, "service.instance.id": node });
  const provider = new NodeTracerProvider({
    // What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say has the last word.
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register(); // W3C's `traceparent`, and a context that follows promises
  log.info("traces are exported");
  return () => provider.shutdown();
}
