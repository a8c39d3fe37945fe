import { type BlockFill, isBlockFull, type SerializedFrame } from "@tapedeck/tape/blocks";

/** A quiet market's block ends after a minute, so that its frames reach the store. */
const maxBlockSpanNs = 60_000_000_000;

/** Whether the next frame begins a block, given the newest block of a live tape. */
export function beginsBlock(newest: BlockFill | undefined): boolean {
  return newest === undefined || isBlockFull(newest, { spanNs: maxBlockSpanNs });
}

/** The newest block with one more frame. */
export function grownBlock(block: BlockFill | undefined, { ns, text }: SerializedFrame, begins: boolean): BlockFill {
  if (begins || block === undefined) return { frames: 1, textBytes: text.length, firstNs: ns, lastNs: ns };
  return { frames: block.frames + 1, textBytes: block.textBytes + text.length, firstNs: block.firstNs, lastNs: ns };
}
