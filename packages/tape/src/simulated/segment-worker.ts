import { parentPort } from "node:worker_threads";
import { makeSegment, type SegmentFrames } from "./segment-frames.js";
import type { SimulatedName } from "./simulated-name.js";

export interface SegmentOrder {
  readonly name: SimulatedName;
  readonly segment: number;
}

export type SegmentReply = { readonly made: SegmentFrames } | { readonly error: string };

// One at a time: whoever orders waits for the reply before the next order.
parentPort?.on("message", ({ name, segment }: SegmentOrder) => {
  try {
    const made = makeSegment(name, segment);
    const reply: SegmentReply = { made };
    parentPort?.postMessage(
      reply,
      made.blocks.map(({ buffer }) => buffer),
    );
  } catch (error) {
    const reply: SegmentReply = { error: String(error) };
    parentPort?.postMessage(reply);
  }
});
