import { Counter } from "prom-client";
import { expect, test } from "vitest";
import { LatencyHistogram } from "./latency-histogram.js";
import { createMetrics } from "./metrics.js";

test("[OB5] a latency histogram exposes buckets, sum and count in Prometheus's format", () => {
  const tally = new LatencyHistogram({ name: "wait_seconds", help: "Waiting", buckets: [0.001, 0.01] });
  for (const ms of [-1, 0.5, 1, 1.5, 10, 11]) tally.observe(ms);
  expect(tally.text('service="a"').split("\n")).toEqual([
    "# HELP wait_seconds Waiting",
    "# TYPE wait_seconds histogram",
    'wait_seconds_bucket{le="0.001",service="a"} 3',
    'wait_seconds_bucket{le="0.01",service="a"} 5',
    'wait_seconds_bucket{le="+Inf",service="a"} 6',
    'wait_seconds_sum{service="a"} 0.024',
    'wait_seconds_count{service="a"} 6',
  ]);
});

test("[OB1] a metric that cannot be read is omitted, and all others are exposed", async () => {
  const metrics = createMetrics("api", "test");
  metrics.observeGauge({ name: "away", help: "x", read: () => Promise.reject(new Error("Redis is away")) });
  metrics.observeGauge({ name: "here", help: "x", labels: ["kind"], read: () => [[{ kind: "a" }, 3]] });
  new Counter({ name: "counted_total", help: "x", registers: [metrics.registry] }).inc(2);
  const text = await metrics.text();
  expect(text).not.toContain("away{");
  expect(text).toContain('here{kind="a",service="api",node="test"} 3');
  expect(text).toContain('counted_total{service="api",node="test"} 2');
});
