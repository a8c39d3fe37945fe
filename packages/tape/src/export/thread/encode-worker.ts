import { parentPort } from "node:worker_threads";
import { lowerPriority } from "../../threads/lower-priority.js";
import { barRows } from "../bar-rows.js";
import { frameRows } from "../frame-rows.js";
import { orderRows } from "../order-rows.js";
import { type EncodedPart, encodeParts } from "../repeatable-parquet.js";
import type { RowSource } from "../row-source.js";
import { trackRows } from "../track-rows.js";
import type { EncodeTask, FromEncoder, TapeAnswer, TapeCall, ToEncoder } from "./messages.js";
import { remoteTape } from "./remote-tape.js";

const waiting = new Map<number, (answer: TapeAnswer) => void>();
let calls = 0;
/** Of the present file. */
let parts: AsyncGenerator<EncodedPart, void, undefined> | undefined;

function ask(of: TapeCall): Promise<TapeAnswer> {
  return new Promise((resolve) => {
    const call = calls++;
    waiting.set(call, resolve);
    send({ call, of });
  });
}

function send(message: FromEncoder): void {
  const moved = typeof message === "object" && "bytes" in message ? [message.bytes.buffer] : [];
  parentPort?.postMessage(message, moved);
}

function rowsOf(task: EncodeTask): RowSource | Promise<RowSource> {
  const { content, range, intervalNs, whole } = task;
  const tape = remoteTape(task, ask);
  if (content === "frames") return frameRows(tape, range);
  if (content === "bars") return barRows(tape, range, intervalNs);
  return content === "orders" ? orderRows(tape, { ...range, whole }) : trackRows(tape, content, { ...range, whole });
}

async function* partsOf(task: EncodeTask): AsyncGenerator<EncodedPart, void, undefined> {
  yield* encodeParts(await rowsOf(task));
}

/** One part for each `next`, so that no more of them are in memory than are wanted. */
async function sendNext(): Promise<void> {
  try {
    send((await parts?.next())?.value ?? "end");
  } catch (error) {
    send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

lowerPriority();
parentPort?.on("message", (message: ToEncoder) => {
  if (message === "next") void sendNext();
  else if ("task" in message) parts = partsOf(message.task);
  else {
    waiting.get(message.call)?.(message.answer);
    waiting.delete(message.call);
  }
});
