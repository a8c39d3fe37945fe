import type { Tape, TapePosition } from "@tapedeck/tape";
import { z } from "zod";
import type { SessionRecord } from "./rules/record.js";

const midOf = z.object({ mid_price: z.number() });

/**
 * The mid price of the frame at a position, which a view needs of sessions that hold something; undefined for all others, and where
 * the frame can't be read. Not for the hot path: it reads the frame's JSON.
 */
export async function midAt(
  { mode, account }: Pick<SessionRecord, "mode" | "account">,
  { seq }: TapePosition,
  tape: Pick<Tape, "block" | "load">,
): Promise<number | undefined> {
  if (mode !== "SIMULATION" || account.position === 0) return undefined;
  try {
    const block = tape.block(seq) ?? (await tape.load(seq));
    return midOf.parse(JSON.parse(block.json(seq))).mid_price;
  } catch {
    return undefined; // the view says that the value is not known, and is not kept back for that
  }
}
