import { parentPort } from "node:worker_threads";
import type { OwnFill, OwnOrder } from "@tapedeck/market";
import type { TapeEvent } from "../tape.js";
import { fillOf, makeSegment } from "./segment-frames.js";
import type { SimulatedName } from "./simulated-name.js";

export interface SegmentOrder {
  readonly name: SimulatedName;
  readonly segment: number;
  /** The user's own orders that this segment shows, or the one before it. */
  readonly orders?: readonly OwnOrder[];
}

/** Asks what the last of these orders gets. */
export interface FillOrder {
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

function carryOut(order: SegmentOrder | FillOrder): SegmentReply {
  if (!("segment" in order)) return { fill: fillOf(order.name, order.orders) };
  const { name, segment, orders } = order;
  return { events: makeSegment(name, segment, (block) => reply({ block }, [block.buffer]), orders) };
}

// One at a time: whoever orders waits for the end of one before the next.
parentPort?.on("message", (order: SegmentOrder | FillOrder) => {
  try {
    reply(carryOut(order));
  } catch (error) {
    reply({ error: String(error) });
  }
});
