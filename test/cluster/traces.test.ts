import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import "../support/expect.js";
import { type CollectedSpan, TraceCollector } from "../support/trace-collector.js";

let collector: TraceCollector;
beforeAll(async () => {
  collector = await TraceCollector.start();
});
afterAll(() => collector.stop());

const test = testOnCluster(() => ({
  apis: 1,
  gateways: 1,
  tickers: 1,
  env: { all: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "100" } },
}));

const ended = ({ endTimeUnixNano }: CollectedSpan) => Number(BigInt(endTimeUnixNano) / 1000n);
const names = (spans: readonly CollectedSpan[]) => spans.map(({ service, name }) => `${service}: ${name}`).sort();

test("[OB20] a seek is one trace: the caller's span, the api's request, the ticker's frame, the gateway's first frame", async ({
  cluster,
}) => {
  const { id, viewers } = await cluster.watched({ max_fps: 0 });
  await viewers[0]?.next(5);
  const traceId = randomBytes(16).toString("hex");
  const caller = randomBytes(8).toString("hex");
  const answer = await fetch(`${cluster.apis[0]?.url}/replay/${id}/seek`, {
    method: "POST",
    headers: { "content-type": "application/json", traceparent: `00-${traceId}-${caller}-01` },
    body: JSON.stringify({ seq: 300 }),
  });
  expect(answer.status).toBe(200);
  await cluster.until(() => collector.of(traceId).length >= 3, "the spans of the seek");
  const spans = collector.of(traceId);
  expect(names(spans)).toEqual([
    "tapedeck-api: POST /replay/{id}/seek",
    "tapedeck-gateway: first frame",
    "tapedeck-ticker: render",
  ]);
  const [request, shown, rendered] = [...spans].sort((a, b) => (a.service < b.service ? -1 : 1));
  if (request === undefined || shown === undefined || rendered === undefined) throw new Error("no spans");
  expect(request.parentSpanId).toBe(caller);
  expect([shown.parentSpanId, rendered.parentSpanId]).toEqual([request.spanId, request.spanId]);
  for (const span of [shown, rendered]) {
    expect(span.attributes).toContainEqual({ key: "tapedeck.session", value: { stringValue: id } });
    expect(ended(span) - Number(BigInt(request.startTimeUnixNano) / 1000n)).toBeLessThan(5_000_000);
  }
  await cluster.end({ id, viewers });
});

test("[OB20] a command on a socket, and a command that waits for a ticker, are traces too", async ({ cluster }) => {
  const { id, viewers } = await cluster.watched({ max_fps: 0 }, { start: false });
  const before = collector.spans.length;
  await viewers[0]?.command("start");
  await viewers[0]?.next(3);
  const started = () => collector.spans.slice(before).find(({ name }) => name === "command start");
  await cluster.until(() => started() !== undefined && collector.of(started()?.traceId ?? "").length >= 3, "its spans");
  expect(names(collector.of(started()?.traceId ?? ""))).toEqual([
    "tapedeck-gateway: command start",
    "tapedeck-gateway: first frame",
    "tapedeck-ticker: render",
  ]);
  await cluster.end({ id, viewers });
});
