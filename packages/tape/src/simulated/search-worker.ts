import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import type { TapeEvent } from "../tape.js";
import { eventsIn, pricesAt } from "./generate-segment.js";
import type { SegmentTask } from "./segment-worker.js";
import type { SimulatedName } from "./simulated-name.js";

const niceValue = 5;

/** Asks for the fair price at the beginning of each of these segments. */
export interface PricesTask {
  readonly name: SimulatedName;
  readonly segments: readonly number[];
}

/** `stop`: ends the task under way, whose reply nobody waits for any more. */
export type SearchMessage = { readonly events: SegmentTask } | { readonly prices: PricesTask } | "stop";

/** One for each task, whatever came of it. */
export type SearchReply =
  | { readonly events: readonly TapeEvent[] }
  | { readonly prices: readonly number[] }
  | { readonly error: string };

function carryOut(message: SearchMessage): SearchReply | undefined {
  if (message === "stop") return undefined; // the task was done before this came
  try {
    if ("prices" in message) return { prices: pricesAt(message.prices.name, message.prices.segments, pause) };
    const { name, segment, orders } = message.events;
    return { events: eventsIn(name, segment, { orders, pause }) };
  } catch (error) {
    return { error: String(error) };
  }
}

/** Nothing but `stop` is sent while a task is carried out. */
function pause(): void {
  if (parentPort !== null && receiveMessageOnPort(parentPort) !== undefined) throw new Error("nobody waits for it");
}

/**
 * Where all threads of the machine are busy, a nice value of 5 gets a third of the time that others get: loops that send frames, and threads
 * that make what is watched. On Linux it is a thread's own; elsewhere it would be the process's, and stays as it is.
 */
function stepBack(): void {
  try {
    const [, thread] = /\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self")) ?? [];
    if (thread !== undefined) setPriority(Number(thread), niceValue);
  } catch {
    // A sandbox may forbid it; then searches compete with all else as one thread.
  }
}

stepBack();
parentPort?.on("message", (message: SearchMessage) => {
  const reply = carryOut(message);
  if (reply !== undefined) parentPort?.postMessage(reply);
});
