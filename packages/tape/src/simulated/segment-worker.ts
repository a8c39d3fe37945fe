import { parentPort } from "node:worker_threads";
import type { TapeEvent } from "../tape.js";
import { makeSegment } from "./segment-frames.js";
import type { SimulatedName } from "./simulated-name.js";

export interface SegmentOrder {
  readonly name: SimulatedName;
  readonly segment: number;
}

/** Ten blocks, one by one, and then the segment's events. */
export type SegmentReply =
  | { readonly block: Uint8Array<ArrayBuffer> }
  | { readonly events: readonly TapeEvent[] }
  | { readonly error: string };

function reply(message: SegmentReply, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

// One at a time: whoever orders waits for the end of one before the next.
parentPort?.on("message", ({ name, segment }: SegmentOrder) => {
  try {
    reply({ events: makeSegment(name, segment, (block) => reply({ block }, [block.buffer])) });
  } catch (error) {
    reply({ error: String(error) });
  }
});
