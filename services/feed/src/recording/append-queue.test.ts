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
  return { parts, startNs: 0n, receivedNs: 0n };
}

/** A writer whose answers a test gives, in any order in time. */
function writing() {
  const asked: { ns: number; answer(outcome: AppendOutcome): void; fail(error?: Error): void }[] = [];
  const happened: string[] = [];
  const outbox = new AppendQueue(
    {
      append: (parts) =>
        new Promise((resolve, reject) => {
          asked.push({ ns: parts.ns, answer: resolve, fail: (error = new Error("Redis is away")) => reject(error) });
        }),
    },
    {
      appended: ({ parts }) => happened.push(`appended ${parts.ns}`),
      fenced: () => happened.push("fenced"),
      lost: (reason) => happened.push(`lost: ${reason}`),
      failed: () => happened.push("failed"),
    },
  );
  return { outbox, asked, happened };
}

test("[FD13] frames are sent at once, none waits for the answer to another", async () => {
  const { outbox, asked, happened } = writing();
  for (const ns of [1, 2, 3]) outbox.add(frame(ns));
  expect(asked.map(({ ns }) => ns)).toEqual([1, 2, 3]);
  for (const { answer } of asked) answer("appended");
  await outbox.drained(1000);
  expect(happened).toEqual(["appended 1", "appended 2", "appended 3"]);
});

test("[FD13] after a failure all without an answer are sent again, in their order, when the last one has come back", async () => {
  const { outbox, asked, happened } = writing();
  for (const ns of [1, 2, 3]) outbox.add(frame(ns));
  asked[0]?.answer("appended");
  asked[1]?.fail();
  await vi.waitFor(() => expect(happened).toEqual(["appended 1", "failed"]), soon);
  outbox.add(frame(4));
  expect(asked).toHaveLength(3); // the third is still on its way
  asked[2]?.answer("appended"); // what it is answered behind a failure does not count
  await vi.waitFor(() => expect(asked.slice(3).map(({ ns }) => ns)).toEqual([2, 3, 4]), soon);
  for (const { answer } of asked.slice(3)) answer("appended");
  await outbox.drained(1000);
  expect(happened.slice(2)).toEqual(["appended 2", "appended 3", "appended 4"]);
});

test.each(["fenced", "lost"] as const)(
  "[FD13] a frame that is answered %s is the last that is sent",
  async (outcome) => {
    const { outbox, asked, happened } = writing();
    for (const ns of [1, 2]) outbox.add(frame(ns));
    for (const { answer } of asked) answer(outcome);
    await vi.waitFor(() => expect(happened).toHaveLength(1), soon);
    outbox.add(frame(3));
    expect([asked.length, outbox.size]).toEqual([2, 0]);
    await outbox.drained(1000);
  },
);

test("[FD13] a frame that can be on no tape is left out", async () => {
  const { outbox, asked, happened } = writing();
  for (const ns of [1, 2]) outbox.add(frame(ns));
  asked[1]?.fail(new RangeError("it is earlier than the one before it"));
  await vi.waitFor(() => expect(happened).toEqual(["failed"]), soon);
  asked[0]?.answer("appended");
  await outbox.drained(1000);
  expect([happened, asked.length]).toEqual([["failed", "appended 1"], 2]);
});

test("[FD13] more frames than can wait for Redis end the stretch", async () => {
  const { outbox, asked, happened } = writing();
  outbox.add(frame(0));
  asked[0]?.fail();
  await vi.waitFor(() => expect(happened).toEqual(["failed"]), soon);
  for (let ns = 1; ns <= 3000; ns++) outbox.add(frame(ns));
  expect(happened.at(-1)).toBe("lost: Redis was away for too long");
});
