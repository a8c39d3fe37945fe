import pino from "pino";
import { expect, test } from "vitest";
import { startSpan, startTracing, traceparent, withSpan } from "./tracing.js";

const off = [
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_SDK_DISABLED: "true" },
  { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:1/v1/traces", OTEL_TRACES_EXPORTER: "none" as const },
];

test.each(off)("[OB20] nothing is traced, and work goes on as it is, with %o", async (config) => {
  const stop = await startTracing({ service: "test", node: "test", config, log: pino({ level: "silent" }) });
  expect(await withSpan("work", {}, async () => traceparent())).toBeUndefined();
  const refused = new Error("refused");
  await expect(withSpan("work", {}, () => Promise.reject(refused))).rejects.toBe(refused);
  const span = startSpan("first frame", {}, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  expect(span.isRecording()).toBe(false);
  span.end();
  await stop();
});
