import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import type { OwnFill, OwnOrder } from "@tapedeck/market";
import type { TapeEvent } from "../tape.js";
import { fillOf, generateSegment, type OnBlock } from "./generate-segment.js";
import type { BlockTask } from "./running/checkpoints.js";
import { BlockGenerator } from "./running/generate-block.js";
import type { SimulatedName } from "./simulated-name.js";
import { warmUpGenerator } from "./warm-up.js";

export interface SegmentTask {
  readonly name: SimulatedName;
  readonly segment: number;
  /** The user's own orders that this segment shows, or the one before it. */
  readonly orders?: readonly OwnOrder[];
}

/** Asks for the fill of the last of these orders. */
export interface FillTask {
  readonly name: SimulatedName;
  readonly orders: readonly OwnOrder[];
}

/** `practise`: has the thread's code compiled. */
export type Task = SegmentTask | BlockTask | FillTask | "practise";

/** A task for a thread, whose replies have its number. */
export interface Assignment {
  readonly number: number;
  readonly task: Task;
}

/** For a segment ten blocks, one by one, and then its events; for a block the same of it alone. */
export type SegmentReply =
  | { readonly block: Uint8Array<ArrayBuffer> }
  | { readonly events: readonly TapeEvent[] }
  | { readonly fill: OwnFill | undefined }
  | { readonly practised: true }
  | { readonly error: string };

export type NumberedReply = SegmentReply & { readonly number: number };

const blocks = new BlockGenerator();

function reply(number: number, message: SegmentReply, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage({ number, ...message } satisfies NumberedReply, transfer);
}

function execute({ number, task }: Assignment): void {
  try {
    reply(number, resultOf(number, task));
  } catch (error) {
    reply(number, { error: String(error) });
  }
}

function resultOf(number: number, task: Task): SegmentReply {
  if (task === "practise") {
    warmUpGenerator();
    return { practised: true };
  }
  return "segment" in task ? { events: eventsOf(number, task) } : { fill: fillOf(task.name, task.orders) };
}

function eventsOf(number: number, task: SegmentTask | BlockTask): readonly TapeEvent[] {
  const take: OnBlock = (block) => reply(number, { block }, [block.buffer]);
  if ("block" in task) return blocks.frames(task, take, pause);
  const { name, segment, orders } = task;
  return generateSegment(name, segment, take, { orders, pause });
}

/** An assignment that arrives while another one runs goes first. */
function pause(): void {
  if (parentPort === null) return;
  for (let sent = receiveMessageOnPort(parentPort); sent !== undefined; sent = receiveMessageOnPort(parentPort)) {
    execute(sent.message);
  }
}

parentPort?.on("message", execute);
