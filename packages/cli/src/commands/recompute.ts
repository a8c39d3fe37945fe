import { recompute } from "@tapedeck/tape";
import { Command } from "commander";
import { stoppable } from "../run.js";
import { print, StatusLine } from "../terminal/output.js";
import { withTapeStore } from "./tape-store.js";

/** `tapedeck recompute TAPE...`: applies the current analytics to a tape whose source may no longer exist. */
export function recomputeCommand(): Command {
  return new Command("recompute")
    .description("make new versions of tapes with the current analytics, from their frames alone")
    .argument("<tape...>", "ids of tapes, or id@version")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes; by default the local cluster's")
    .action(runRecompute);
}

async function runRecompute(tapes: string[], { store: asked }: { store?: string }): Promise<void> {
  const status = new StatusLine(process.stderr);
  await withTapeStore(asked, ({ store }) =>
    stoppable("Stopped; the tape is unchanged.", async (signal) => {
      try {
        for (const tape of tapes) {
          const onProgress = (fraction: number) => status.show(() => `${tape}  ${Math.floor(100 * fraction)} %`);
          const made = await recompute(store, tape, { signal, onProgress });
          status.clear();
          print(made);
        }
      } finally {
        status.clear();
      }
    }),
  );
}
