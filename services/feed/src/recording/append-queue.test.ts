import type { AppendOutcome } from "@tapedeck/live";
import { expect, test, vi } from "vitest";
import { soon } from "../../../../test/support/soon.js";
import { AppendQueue } from "./append-queue.js";
import type { RecordedFrame } from "./frame-assembler.js";

function frame(ns: number): RecordedFrame {
  const parts = {
    ...{ ns, head: "", trades: "", tradeCount: 0, tradeVolume: 0, lastTradePrice: 0, effectiveSpread: null },
    ...{ lastTradeSide: "unknown" as const, anomalies: "", events: [], price: 1, gapBefore: null },
  };
  return { parts, startNs: 0n, receivedNs: 0n, events: [] };
}

/** A writer whose replies a test gives, in any order. */
function queueing() {
  const sent: { ns: number; answer(outcome: AppendOutcome): void; fail(error?: Error): void }[] = [];
  const events: string[] = [];
  const queue = new AppendQueue(
    {
      append: (parts) =>
        new Promise((resolve, reject) => {
          sent.push({ ns: parts.ns, answer: resolve, fail: (error = new Error("Redis is away")) => reject(error) });
        }),
    },
    {
      appended: ({ parts }) => events.push(`appended ${parts.ns}`),
      fenced: () => events.push("fenced"),
      lost: (reason) => events.push(`lost: ${reason}`),
      failed: () => events.push("failed"),
      refused: () => events.push("refused"),
    },
  );
  return { queue, sent, events };
}

test("[FD13] frames are sent at once, without waiting for earlier acknowledgements", async () => {
  const { queue, sent, events } = queueing();
  for (const ns of [1, 2, 3]) queue.add(frame(ns));
  expect(sent.map(({ ns }) => ns)).toEqual([1, 2, 3]);
  for (const { answer } of sent) answer("appended");
  await queue.drained(1000);
  expect(events).toEqual(["appended 1", "appended 2", "appended 3"]);
});

test("[FD13] after a failure all unacknowledged frames are sent again in order, once nothing is in flight", async () => {
  const { queue, sent, events } = queueing();
  for (const ns of [1, 2, 3]) queue.add(frame(ns));
  sent[0]?.answer("appended");
  sent[1]?.fail();
  await vi.waitFor(() => expect(events).toEqual(["appended 1", "failed"]), soon);
  queue.add(frame(4));
  expect(sent).toHaveLength(3); // the third is still in flight
  sent[2]?.answer("appended"); // an acknowledgement behind a failure does not count
  await vi.waitFor(() => expect(sent.slice(3).map(({ ns }) => ns)).toEqual([2, 3, 4]), soon);
  for (const { answer } of sent.slice(3)) answer("appended");
  await queue.drained(1000);
  expect(events.slice(2)).toEqual(["appended 2", "appended 3", "appended 4"]);
});

test.each(["fenced", "lost"] as const)("[FD13] the reply %s ends the queue", async (outcome) => {
  const { queue, sent, events } = queueing();
  for (const ns of [1, 2]) queue.add(frame(ns));
  for (const { answer } of sent) answer(outcome);
  await vi.waitFor(() => expect(events).toHaveLength(1), soon);
  queue.add(frame(3));
  expect([sent.length, queue.size]).toEqual([2, 0]);
  await queue.drained(1000);
});

test("[FD13] an invalid frame is left out", async () => {
  const { queue, sent, events } = queueing();
  for (const ns of [1, 2]) queue.add(frame(ns));
  sent[1]?.fail(new RangeError("earlier than its predecessor"));
  await vi.waitFor(() => expect(events).toEqual(["failed", "refused"]), soon);
  sent[0]?.answer("appended");
  await queue.drained(1000);
  expect([events, sent.length]).toEqual([["failed", "refused", "appended 1"], 2]);
});

test("[FD13] the tape is claimed anew when too many frames wait for Redis", async () => {
  const { queue, sent, events } = queueing();
  queue.add(frame(0));
  sent[0]?.fail();
  await vi.waitFor(() => expect(events).toEqual(["failed"]), soon);
  for (let ns = 1; ns <= 3000; ns++) queue.add(frame(ns));
  expect(events.at(-1)).toBe("lost: Redis was away for too long");
});
