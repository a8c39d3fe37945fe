import type { TapeNs } from "@tapedeck/protocol";
import { framesPerBlock, type SerializedFrame } from "@tapedeck/tape/blocks";

/** The newest block of a live tape, as far as it decides where the next one begins. */
export interface Filling {
  readonly frames: number;
  readonly text: number;
  readonly firstNs: TapeNs;
  readonly lastNs: TapeNs;
}

/** A block that has become this large takes no more. */
const largestText = 512 * 1024;
/** A quiet market's block ends after a minute, for its frames to get to the store. */
const longestNs = 60_000_000_000;

/** Whether the frame after the last one begins a block. */
export function isFull(block: Filling | undefined): boolean {
  if (block === undefined || block.frames >= framesPerBlock) return true;
  return block.text >= largestText || block.lastNs - block.firstNs >= longestNs;
}

export function filledWith(block: Filling | undefined, { ns, text }: SerializedFrame, begins: boolean): Filling {
  if (begins || block === undefined) return { frames: 1, text: text.length, firstNs: ns, lastNs: ns };
  return { frames: block.frames + 1, text: block.text + text.length, firstNs: block.firstNs, lastNs: ns };
}
