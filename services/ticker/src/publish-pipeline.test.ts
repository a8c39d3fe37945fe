import { randomUUID } from "node:crypto";
import { connectRedis, createLogger, createMetrics, untilReady } from "@tapedeck/runtime";
import { defineSessionScripts, keysWith } from "@tapedeck/sessions";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { PlaybackCursor } from "./cursor.js";
import { createTickerMetrics } from "./metrics.js";
import { PublishPipeline } from "./publish-pipeline.js";

const log = createLogger({ service: "ticker", node: "test", level: "silent" });
const keys = keysWith(`test-${randomUUID()}`);
const publisher = defineSessionScripts(
  connectRedis({ url: inject("redisUrl"), purpose: "publisher", name: "pipeline", log }),
);
beforeAll(() => untilReady(publisher));
afterAll(() => publisher.disconnect());

test("[TK13] frames are confirmed in the order in which they were sent, whatever else is sent with them", async () => {
  const pipeline = new PublishPipeline({
    publisher,
    probe: { receivedWithin: () => false },
    metrics: createTickerMetrics(createMetrics("ticker", "test"), { leases: () => 1, capacity: 1 }),
    graceMs: 1_000,
    onReady: () => {},
  });
  const lease = { job: { sessionId: "a" }, signal: new AbortController().signal, heldUntil: 0, endsAt: 0 };
  const cursor = new PlaybackCursor(lease, { key: keys.session("a"), channel: keys.sessionChannel("a") }, noEvents);
  for (let seq = 0; seq < 6; seq++) {
    const batch = pipeline.batch();
    batch.message(cursor, seq, "{}");
    if (seq % 2 === 0) batch.checkpoint(cursor);
    pipeline.send(batch);
    cursor.sentSeq = seq;
  }
  await pipeline.drained();
  expect(cursor.publishedSeq).toBe(5);
});

const nothing = () => {};
const noEvents = {
  ended: nothing,
  changed: nothing,
  gone: nothing,
  unwatched: nothing,
  behind: nothing,
  unreadable: nothing,
  damaged: nothing,
};
