import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { Logger } from "./logger.js";

export interface ExportOptions {
  readonly service: string;
  readonly node: string;
  readonly log: Logger;
}

/** In its own file, so that a process that exports no traces does not load the SDK. */
export function startExporting({ service, node, log }: ExportOptions): () => Promise<void> {
  const own = resourceFromAttributes({ "service.name": `tapedeck-${service}`, "service.instance.id": node });
  const provider = new NodeTracerProvider({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence.
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register(); // W3C's `traceparent`, and a context that follows promises
  log.info("exporting traces");
  return () => provider.shutdown();
}
