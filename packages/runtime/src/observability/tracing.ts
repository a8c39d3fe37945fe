import { type Attributes, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { z } from "zod";
import type { ExportOptions } from "./tracing-sdk.js";

/*
 * Traces, from a command to the first frame that it causes. These functions use OpenTelemetry's API, which does nothing until an SDK is
 * registered; the SDK is loaded only if the environment asks for it (decision 0022). None of them is called per frame.
 */

/** OpenTelemetry's own variables; its SDK reads the others (headers, sampler, resource, batches) itself. */
export const tracingEnv = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ error: "is not a URL such as http://collector:4318" }).optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z
    .url({ error: "is not a URL such as http://collector:4318/v1/traces" })
    .optional(),
  OTEL_TRACES_EXPORTER: z.enum(["otlp", "none"], { error: "is neither otlp nor none" }).optional(),
  OTEL_SDK_DISABLED: z.string().optional(),
};

type TracingConfig = z.output<z.ZodObject<typeof tracingEnv>>;

interface TracingOptions extends ExportOptions {
  readonly config: TracingConfig;
}

/** Starts to export traces if the environment names a collector. Resolves to the function that flushes and stops the export. */
export async function startTracing(options: TracingOptions): Promise<() => Promise<void>> {
  if (!isEnabled(options.config)) return async () => {};
  const { startExporting } = await import("./tracing-sdk.js");
  return startExporting(options);
}

function isEnabled(config: TracingConfig): boolean {
  if (config.OTEL_SDK_DISABLED?.toLowerCase() === "true" || config.OTEL_TRACES_EXPORTER === "none") return false;
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces } = config;
  return config.OTEL_TRACES_EXPORTER === "otlp" || all !== undefined || traces !== undefined;
}

const tracer = trace.getTracer("tapedeck");

/**
 * Runs `work` in a span, which is part of the trace whose `traceparent` is given, otherwise of the current trace. A rejection marks the span
 * as failed.
 */
export function withSpan<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
  from: { readonly traceparent?: string | undefined } = {},
): Promise<T> {
  const parent = from.traceparent === undefined ? context.active() : propagation.extract(context.active(), from);
  return tracer.startActiveSpan(name, { kind: SpanKind.SERVER, attributes }, parent, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Carries the current trace to another process; undefined outside a trace. */
export function traceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** Starts a span of the trace that a message or job carries. The caller must end it: a span that is never ended is not exported. */
export function startSpan(name: string, attributes: Attributes, from: string): Span {
  const parent = propagation.extract(context.active(), { traceparent: from });
  return tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes }, parent);
}

export type { Span } from "@opentelemetry/api";
