import { Counter } from "prom-client";
import { expect, test } from "vitest";
import { createLogger, errorsLogged } from "./logger.js";
import { createMetrics } from "./metrics.js";

test("[R6] every series has the labels service and node, process metrics included", async () => {
  const metrics = createMetrics("gateway", "gateway-1");
  new Counter({ name: "frames_total", help: "Frames sent", registers: [metrics.registry] }).inc(3);
  const text = await metrics.text();
  expect(text).toContain('frames_total{service="gateway",node="gateway-1"} 3');
  expect(text).toMatch(/process_cpu_seconds_total\{service="gateway",node="gateway-1"\}/);
});

test("[R20] lines logged as errors are counted, those of child loggers included", async () => {
  const log = createLogger({ service: "gateway", node: "gateway-1", level: "fatal" });
  const metrics = createMetrics("gateway", "gateway-1");
  const before = errorsLogged();
  log.fatal("a line of this test, as fatal as it looks");
  log.child({ session: "a" }).fatal("another line of this test");
  log.warn("no error");
  expect(errorsLogged() - before).toBe(2);
  expect(await metrics.text()).toContain(`tapedeck_errors_total{service="gateway",node="gateway-1"} ${before + 2}`);
});

test("[R6] two registries in one process are independent", async () => {
  const first = createMetrics("api", "a");
  const second = createMetrics("api", "b");
  new Counter({ name: "only_here_total", help: "x", registers: [first.registry] });
  expect(await second.text()).not.toContain("only_here_total");
});
