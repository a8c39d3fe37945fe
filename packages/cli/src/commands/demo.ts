import { writeDemoTape } from "@tapedeck/tape";
import { Command, Option } from "commander";
import { stoppable } from "../ending.js";
import { numberFrom } from "../terminal/arguments.js";
import { StatusLine } from "../terminal/status-line.js";
import { withTapeStore } from "./tape-store.js";

/** `tapedeck demo`: something to play where nothing has been imported yet. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("make a tape of a generated market")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes, by default the local cluster's")
    .option("--if-empty", "only where the store has no tape")
    .addOption(new Option("--minutes <count>", "how long it lasts").argParser(numberFrom(1, 1440)).default(31))
    .action(runDemo);
}

interface DemoOptions {
  readonly store?: string;
  readonly ifEmpty?: boolean;
  readonly minutes: number;
}

async function runDemo({ store: asked, ifEmpty, minutes }: DemoOptions): Promise<void> {
  await withTapeStore(asked, async ({ place, store }) => {
    if (ifEmpty && (await store.ids()).length > 0) return console.log(`There are tapes in ${place} already.`);
    const status = new StatusLine(process.stderr);
    const onProgress = (fraction: number) => status.show(() => `demo  ${Math.floor(100 * fraction)} %`);
    const made = await stoppable("Stopped; nothing was kept.", (signal) =>
      writeDemoTape(store, { minutes, signal, onProgress }).finally(() => status.clear()),
    );
    console.log(made);
  });
}
