import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import type { TapeEvent } from "../tape.js";
import { lowerPriority } from "../threads/lower-priority.js";
import { eventsIn, pricesAt } from "./generate-segment.js";
import type { BlockTask } from "./running/checkpoints.js";
import { BlockGenerator } from "./running/generate-block.js";
import type { TrackStretch } from "./running/track-run.js";
import type { SegmentTask } from "./segment-worker.js";
import type { SimulatedName } from "./simulated-name.js";
import { generateLevels, generateOrders } from "./track/generate-track.js";
import { buffersOf, type SegmentLevels, type SegmentOrders } from "./track/segment-track.js";

/** Asks for the fair price at the beginning of each of these segments. */
export interface PricesTask {
  readonly name: SimulatedName;
  readonly segments: readonly number[];
}

/** `events` are what jumps find, `levels`, `orders` and `track` the event track. `stop` cancels the current task. */
export type SearchMessage =
  | { readonly events: SegmentTask }
  | { readonly prices: PricesTask }
  | { readonly levels: SegmentTask }
  | { readonly orders: SegmentTask }
  | { readonly track: BlockTask }
  | "stop";

/** One reply per task. */
export type SearchReply =
  | { readonly events: readonly TapeEvent[] }
  | { readonly prices: readonly number[] }
  | { readonly levels: SegmentLevels }
  | { readonly orders: SegmentOrders }
  | { readonly track: TrackStretch }
  | { readonly error: string };

const blocks = new BlockGenerator();

function execute(message: SearchMessage): SearchReply | undefined {
  if (message === "stop") return undefined; // the task was done before this came
  try {
    if ("prices" in message) return { prices: pricesAt(message.prices.name, message.prices.segments, pause) };
    if ("levels" in message) return { levels: made(generateLevels, message.levels) };
    if ("orders" in message) return { orders: made(generateOrders, message.orders) };
    if ("track" in message) return { track: blocks.track(message.track, pause) };
    return { events: made(eventsIn, message.events) };
  } catch (error) {
    return { error: String(error) };
  }
}

function made<T>(
  make: (name: SimulatedName, segment: number, options: { orders?: SegmentTask["orders"]; pause: () => void }) => T,
  { name, segment, orders }: SegmentTask,
): T {
  return make(name, segment, { orders, pause });
}

/** Only `stop` is sent while a task runs. */
function pause(): void {
  if (parentPort !== null && receiveMessageOnPort(parentPort) !== undefined)
    throw new Error("the search was cancelled");
}

lowerPriority();
parentPort?.on("message", (message: SearchMessage) => {
  const reply = execute(message);
  if (reply !== undefined) parentPort?.postMessage(reply, buffersOf(reply));
});
