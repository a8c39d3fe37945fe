import { parentPort } from "node:worker_threads";
import type { OwnFill, OwnOrder } from "@tapedeck/market";
import type { TapeEvent } from "../tape.js";
import { fillOf, makeSegment } from "./segment-frames.js";
import type { SimulatedName } from "./simulated-name.js";

export interface SegmentTask {
  readonly name: SimulatedName;
  readonly segment: number;
  /** The user's own orders that this segment shows, or the one before it. */
  readonly orders?: readonly OwnOrder[];
}

/** Asks what the last of these orders gets. */
export interface FillTask {
  readonly name: SimulatedName;
  readonly orders: readonly OwnOrder[];
}

/** Of a segment ten blocks, one by one, and then its events. */
export type SegmentReply =
  | { readonly block: Uint8Array<ArrayBuffer> }
  | { readonly events: readonly TapeEvent[] }
  | { readonly fill: OwnFill | undefined }
  | { readonly error: string };

function reply(message: SegmentReply, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function carryOut(task: SegmentTask | FillTask): SegmentReply {
  if (!("segment" in task)) return { fill: fillOf(task.name, task.orders) };
  const { name, segment, orders } = task;
  return { events: makeSegment(name, segment, (block) => reply({ block }, [block.buffer]), orders) };
}

// One at a time: whoever asks waits for the end of one before the next.
parentPort?.on("message", (task: SegmentTask | FillTask) => {
  try {
    reply(carryOut(task));
  } catch (error) {
    reply({ error: String(error) });
  }
});
