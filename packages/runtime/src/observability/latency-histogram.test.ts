import { Counter } from "prom-client";
import { expect, test } from "vitest";
import { LatencyHistogram } from "./latency-histogram.js";
import { createMetrics } from "./metrics.js";

test("[OB5] a tally tells buckets, sum and count as Prometheus reads them", () => {
  const tally = new LatencyHistogram({ name: "wait_seconds", help: "Waiting", bounds: [0.001, 0.01] });
  for (const ms of [-1, 0.5, 1, 1.5, 10, 11]) tally.add(ms);
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

test("[OB1] a number that cannot be read is left out, and all others are told", async () => {
  const metrics = createMetrics("api", "test");
  metrics.observeGauge({ name: "away", help: "x", read: () => Promise.reject(new Error("Redis is away")) });
  metrics.observeGauge({ name: "here", help: "x", labels: ["kind"], read: () => [[{ kind: "a" }, 3]] });
  new Counter({ name: "counted_total", help: "x", registers: [metrics.registry] }).inc(2);
  const text = await metrics.text();
  expect(text).not.toContain("away{");
  expect(text).toContain('here{kind="a",service="api",node="test"} 3');
  expect(text).toContain('counted_total{service="api",node="test"} 2');
});
