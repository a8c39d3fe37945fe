import { TapeWriteError, writeDemoTape } from "@tapedeck/tape";
import { Command } from "commander";
import { Problem } from "../cluster/problem.js";
import { StatusLine } from "./status-line.js";
import { tapeStore } from "./tape-store.js";

/** `tapedeck demo`: something to play where nothing has been imported yet. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("make a tape of half an hour of a generated market")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes, by default the local cluster's")
    .option("--if-empty", "only where the store has no tape")
    .action(runDemo);
}

async function runDemo({ store: asked, ifEmpty }: { store?: string; ifEmpty?: boolean }): Promise<void> {
  const { place, store } = await tapeStore(asked);
  if (ifEmpty && (await store.ids()).length > 0) return console.log(`There are tapes in ${place} already.`);
  const status = new StatusLine(process.stderr);
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  try {
    const onProgress = (fraction: number) => status.show(() => `demo  ${Math.floor(100 * fraction)} %`);
    const made = await writeDemoTape(store, { signal: ending.signal, onProgress });
    status.clear();
    console.log(made);
  } catch (error) {
    status.clear();
    if (ending.signal.aborted) throw new Problem("Stopped; nothing was kept.");
    if (error instanceof TapeWriteError) throw new Problem(error.message);
    throw error;
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}
