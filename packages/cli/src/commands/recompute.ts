import { DamagedBlock, DamagedTape, recompute, TapeNotFound, TapeWriteError, UnknownTapeFormat } from "@tapedeck/tape";
import { Command } from "commander";
import { Problem } from "../cluster/problem.js";
import { StatusLine } from "../terminal/status-line.js";
import { tapeStore } from "./tape-store.js";

const explained = [DamagedBlock, DamagedTape, TapeNotFound, TapeWriteError, UnknownTapeFormat];

/** `tapedeck recompute TAPE...`: today's analytics for a tape whose source may be long gone. */
export function recomputeCommand(): Command {
  return new Command("recompute")
    .description("make a new version of tapes with this program's analytics, of their frames alone")
    .argument("<tape...>", "ids of tapes, or id@version")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes, by default the local cluster's")
    .action(runRecompute);
}

async function runRecompute(tapes: string[], { store: asked }: { store?: string }): Promise<void> {
  const { store } = await tapeStore(asked);
  const status = new StatusLine(process.stderr);
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  try {
    for (const tape of tapes) {
      const made = await recompute(store, tape, {
        signal: ending.signal,
        onProgress: (fraction) => status.show(() => `${tape}  ${Math.floor(100 * fraction)} %`),
      });
      status.clear();
      console.log(made);
    }
  } catch (error) {
    status.clear();
    if (ending.signal.aborted) throw new Problem("Stopped; the tape is as it was.");
    if (error instanceof Error && explained.some((known) => error instanceof known)) throw new Problem(error.message);
    throw error;
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}
