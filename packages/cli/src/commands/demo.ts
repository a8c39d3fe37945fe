import { demoLabels, writeDemoTape } from "@tapedeck/tape";
import { Command, Option } from "commander";
import { stoppable } from "../run.js";
import { numberFrom } from "../terminal/arguments.js";
import { print, StatusLine } from "../terminal/output.js";
import { withTapeStore } from "./tape-store.js";

/** `tapedeck demo`: makes a tape to play before anything has been imported. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("make a tape of a generated market")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes; by default the local cluster's")
    .option("--if-empty", "only if the store has no tape")
    .addOption(new Option("--minutes <count>", "length of the tape").argParser(numberFrom(1, 1440)).default(31))
    .option("--labels", "make no tape; print which incidents it would contain, and when")
    .action(runDemo);
}

interface DemoOptions {
  readonly store?: string;
  readonly ifEmpty?: boolean;
  readonly labels?: boolean;
  readonly minutes: number;
}

async function runDemo({ store: asked, ifEmpty, labels, minutes }: DemoOptions): Promise<void> {
  if (labels) return print(...labelLines(minutes));
  await withTapeStore(asked, async ({ place, store }) => {
    if (ifEmpty && (await store.ids()).length > 0) return print(`${place} already contains tapes.`);
    const status = new StatusLine(process.stderr);
    const onProgress = (fraction: number) => status.show(() => `demo  ${Math.floor(100 * fraction)} %`);
    const made = await stoppable("Stopped; no tape was kept.", (signal) =>
      writeDemoTape(store, { minutes, signal, onProgress }).finally(() => status.clear()),
    );
    print(made);
  });
}

/** A line per incident: from and to in tape time, kind, severity, and side or direction if it has one. */
function labelLines(minutes: number): string[] {
  return demoLabels({ minutes }).map(({ fromNs, toNs, kind, severity, benign, side, direction }) => {
    const where = side ?? (direction === 0 ? "" : direction === 1 ? "up" : "down");
    const words = [`${clock(fromNs)} to ${clock(toNs)}`, kind.padEnd(18), severity.padEnd(7), where.padEnd(5)];
    return [...words, benign ? "benign: should raise no manipulation alert" : ""].join("  ").trimEnd();
  });
}

/** `12:07.4` of tape time. */
function clock(ns: number): string {
  const tenths = Math.round(ns / 1e8);
  const minutes = Math.floor(tenths / 600);
  return `${String(minutes).padStart(2, "0")}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
}
