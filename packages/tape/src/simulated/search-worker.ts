import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import type { TapeEvent } from "../tape.js";
import { eventsIn, pricesAt } from "./segment-frames.js";
import type { SegmentTask } from "./segment-worker.js";
import type { SimulatedName } from "./simulated-name.js";
import { niceValues, stepBack } from "./step-back.js";

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

stepBack(niceValues.searches);
parentPort?.on("message", (message: SearchMessage) => {
  const reply = carryOut(message);
  if (reply !== undefined) parentPort?.postMessage(reply);
});
