import { formatNames, formats, type ImportOptions, importRecording, neededColumns, reportLines } from "@tapedeck/tape";
import { Command, Option } from "commander";
import { stoppable } from "../run.js";
import { day, duration, recordingFormat, tapeId } from "../terminal/arguments.js";
import { ImportProgressLine } from "../terminal/import-progress.js";
import { print, printJson, StatusLine } from "../terminal/output.js";
import { withTapeStore } from "./tape-store.js";

interface Choices extends Omit<ImportOptions, "intervalMs" | "silenceMs"> {
  readonly interval: number;
  readonly silence: number;
  readonly store?: string;
  readonly json?: boolean;
}

const helpText = `
Formats, detected by content; gzip, zstd and zip are unpacked:
${formats.map(({ name, about }) => `  ${name.padEnd(18)}${about}`).join("\n")}

A CSV file of books needs ${neededColumns}.
Times are ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970. More: docs/importing.md`;

/** `tapedeck import PATH...`: makes tapes from a recording of a market. */
export function importCommand(): Command {
  return new Command("import")
    .description("make tapes from a recording, one for each instrument")
    .argument("<path...>", "files, folders or zip archives; together they are one recording, in order of time")
    .addOption(
      new Option("--format <name>", "format of the files")
        .choices(["auto", ...formatNames])
        .argParser(recordingFormat)
        .default("auto"),
    )
    .option("--symbol <symbol>", "import only this instrument; needed if the files do not name it")
    .addOption(
      new Option("--date <YYYY-MM-DD>", "the day, if neither the files nor their names contain it").argParser(day),
    )
    .addOption(
      new Option("--interval <time>", "time between frames, such as 100ms or 1s; 0 makes a frame for each event")
        .argParser(duration)
        .default(100, "100ms"),
    )
    .addOption(
      new Option("--silence <time>", "a longer time without events becomes a marked gap")
        .argParser(duration)
        .default(5000, "5s"),
    )
    .addOption(new Option("--id <id>", "the tape's id; by default made of symbol, source and day").argParser(tapeId))
    .option("--strict", "stop at the first invalid line, and keep nothing")
    .option("--keep-partial", "also import the readable part of truncated or damaged files")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes; by default the local cluster's")
    .option("--json", "print the report as JSON")
    .addHelpText("after", helpText)
    .action(runImport);
}

async function runImport(paths: string[], choices: Choices): Promise<void> {
  const { interval, silence, store: asked, json, ...options } = choices;
  const status = new StatusLine(process.stderr);
  const line = new ImportProgressLine(performance.now());
  const report = await withTapeStore(asked, ({ store }) =>
    stoppable("Stopped; nothing was imported.", (signal) =>
      importRecording(
        paths,
        { ...options, intervalMs: interval, silenceMs: silence },
        { store, signal, onProgress: (progress) => status.show(() => line.text(progress, performance.now())) },
      ).finally(() => status.clear()),
    ),
  );
  if (json) printJson(report, 2);
  else print(...reportLines(report));
}
