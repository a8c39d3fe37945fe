import {
  formatNames,
  formats,
  type ImportOptions,
  type ImportProgress,
  importRecording,
  neededColumns,
  reportLines,
} from "@tapedeck/tape";
import { Command, InvalidArgumentError, Option } from "commander";
import { stoppable } from "../run.js";
import { day, tapeId } from "../terminal/arguments.js";
import { print, printJson } from "../terminal/output.js";
import { StatusLine } from "../terminal/status-line.js";
import { withTapeStore } from "./tape-store.js";

interface Choices extends Omit<ImportOptions, "intervalMs" | "silenceMs"> {
  readonly interval: number;
  readonly silence: number;
  readonly store?: string;
  readonly json?: boolean;
}

const helpText = `
Formats, told by content; gzip, zstd and zip are unpacked:
${formats.map(({ name, about }) => `  ${name.padEnd(18)}${about}`).join("\n")}

A CSV of books needs ${neededColumns}.
Times are ISO 8601, or seconds, milli-, micro- or nanoseconds since 1970. More: docs/importing.md`;

/** `tapedeck import PATH...`: a recording of a market becomes tapes. */
export function importCommand(): Command {
  return new Command("import")
    .description("make tapes of a recording: of each instrument in it one")
    .argument("<path...>", "the recording's files, folders or zips of them; all of them are one recording in time")
    .addOption(new Option("--format <name>", "format of the files").choices(["auto", ...formatNames]).default("auto"))
    .option("--symbol <symbol>", "only this instrument; names it where the files don't")
    .addOption(
      new Option("--date <YYYY-MM-DD>", "the day, where neither the files nor their names say it").argParser(day),
    )
    .addOption(
      new Option("--interval <time>", "from frame to frame, such as 100ms or 1s; 0 makes a frame of each event")
        .argParser(duration)
        .default(100, "100ms"),
    )
    .addOption(
      new Option("--silence <time>", "a silence longer than this becomes a marked gap")
        .argParser(duration)
        .default(5000, "5s"),
    )
    .addOption(new Option("--id <id>", "the tape's id, by default symbol, source and day").argParser(tapeId))
    .option("--strict", "stop at the first broken line, and keep nothing")
    .option("--keep-partial", "make tapes also of files that are cut short or damaged, of what can be read")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes, by default the local cluster's")
    .option("--json", "print the report as JSON")
    .addHelpText("after", helpText)
    .action(runImport);
}

async function runImport(paths: string[], choices: Choices): Promise<void> {
  const { interval, silence, store: asked, json, ...options } = choices;
  const status = new StatusLine(process.stderr);
  const report = await withTapeStore(asked, ({ store }) =>
    stoppable("Stopped; nothing was imported.", (signal) =>
      importRecording(
        paths,
        { ...options, intervalMs: interval, silenceMs: silence },
        { store, signal, onProgress: (progress) => status.show(() => line(progress)) },
      ).finally(() => status.clear()),
    ),
  );
  if (json) printJson(report, 2);
  else print(...reportLines(report));
}

function line({ bytes, totalBytes, lines, frames }: ImportProgress): string {
  const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor((bytes / totalBytes) * 100));
  return `${percent} %  ${lines.toLocaleString("en-US")} lines  ${frames.toLocaleString("en-US")} frames`;
}

/** Milliseconds of `100ms`, `1s`, `1.5s`, `250` or `0`. */
function duration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError("It has to be a time such as 100ms, 1s or 0.");
  return Number(number) * (unit === "s" ? 1000 : 1);
}
