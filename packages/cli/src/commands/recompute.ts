import { recompute } from "@tapedeck/tape";
import { Command } from "commander";
import { stoppable } from "../run.js";
import { print } from "../terminal/output.js";
import { StatusLine } from "../terminal/status-line.js";
import { withTapeStore } from "./tape-store.js";

/** `tapedeck recompute TAPE...`: today's analytics for a tape whose source may be long gone. */
export function recomputeCommand(): Command {
  return new Command("recompute")
    .description("make a new version of tapes with this program's analytics, of their frames alone")
    .argument("<tape...>", "ids of tapes, or id@version")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes, by default the local cluster's")
    .action(runRecompute);
}

async function runRecompute(tapes: string[], { store: asked }: { store?: string }): Promise<void> {
  const status = new StatusLine(process.stderr);
  await withTapeStore(asked, ({ store }) =>
    stoppable("Stopped; the tape is as it was.", async (signal) => {
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
