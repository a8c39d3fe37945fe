import { setImmediate } from "node:timers/promises";
import {
  BlockCache,
  type ExportContent,
  type ExportFormat,
  encodeRows,
  exportFormats,
  exportRows,
  parseSimulatedName,
  parseTapeName,
  type RangeEnd,
  RecordedTape,
  type RowSource,
  simulatedTapeInPlace,
  type Tape,
  TapeNotFound,
  type TapeStore,
  tapeName,
} from "@tapedeck/tape";
import { Command, Option } from "commander";
import { stoppable } from "../run.js";
import { OutputFiles } from "../tapes/output-files.js";
import { barInterval, contents, rangeEnd } from "../terminal/arguments.js";
import { formatBytes, formatCount } from "../terminal/format.js";
import { print, printBytes, printError, StatusLine } from "../terminal/output.js";
import { UsageError } from "../user-error.js";
import { withTapeStore } from "./tape-store.js";

interface Choices {
  readonly what: readonly ExportContent[];
  readonly format: ExportFormat;
  readonly from?: RangeEnd;
  readonly to?: RangeEnd;
  readonly interval?: bigint;
  readonly out?: string;
  readonly force?: boolean;
  readonly store?: string;
}

const helpText = `
  trades, book   what the source said, event by event, from the event track
  frames         a row for each frame: all features, and 20 levels a side
  orders         what the source said of each order, of tapes of LOBSTER, ITCH and Databento's mbo, and simulated ones
  bars           open, high, low, close, volume, trades and vwap, of any tape; intervals without a trade are left out

A simulated tape (sim2.BTCUSDT.42.mixed) needs --from and --to, six hours apart at most.
Times are UTC: 2024-08-08T23:54:15.5Z. Frames are counted from 0: seq:1000. Both ends are included. Without --out the file goes to standard
output. Trades and book in CSV have Tardis' columns, then ours, and can be imported again. More: docs/exporting.md`;

/** `tapedeck export TAPE`: a tape's rows as a file for other tools. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write a tape's trades, book, frames, bars or orders as files for other tools")
    .argument("<tape>", "id of a tape, or id@version")
    .addOption(
      new Option("--what <list>", "trades, book, frames, bars, orders, or several of them")
        .argParser(contents)
        .makeOptionMandatory(),
    )
    .addOption(new Option("--format <name>", "format of the files").choices(exportFormats).default("parquet"))
    .addOption(new Option("--from <place>", "first time or frame; by default the tape's").argParser(rangeEnd))
    .addOption(new Option("--to <place>", "last time or frame; by default the tape's").argParser(rangeEnd))
    .addOption(new Option("--interval <time>", "of bars: 100ms, 1s, 5m, 1h, ...; 1s by default").argParser(barInterval))
    .option(
      "--out <path>",
      "a file; for several, or if it is a folder, the folder of trades.parquet, book.parquet, ...",
    )
    .option("--force", "replace files that exist")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes; by default the local cluster's")
    .addHelpText("after", helpText)
    .action(runExport);
}

interface Source {
  readonly content: ExportContent;
  readonly rows: RowSource;
}

async function runExport(name: string, choices: Choices): Promise<void> {
  checkChoices(choices);
  const { what, format, from, to, interval: intervalNs, out, force = false } = choices;
  const stopped = out === undefined ? "Stopped; what was written is incomplete." : "Stopped; no file was written.";
  await withTapeStore(choices.store, ({ store }) =>
    stoppable(stopped, async (signal) => {
      const tape = await openTape(store, name);
      // All of them before the first byte is written: what is refused leaves nothing behind.
      const sources: Source[] = [];
      for (const content of what) {
        sources.push({ content, rows: await exportRows(tape, content, { from, to, intervalNs }) });
      }
      if (out === undefined) for (const source of sources) await write(source, format, printBytes, signal);
      else print(...(await writeFiles(sources, format, await OutputFiles.prepare(out, what, format, force), signal)));
    }),
  );
}

/** Resolves to a line for each file. */
async function writeFiles(
  sources: readonly Source[],
  format: ExportFormat,
  files: OutputFiles,
  signal: AbortSignal,
): Promise<string[]> {
  const lines: string[] = [];
  try {
    for (const source of sources) {
      const file = await files.open(source.content);
      const { count, bytes } = await write(source, format, (chunk) => file.write(chunk), signal);
      await file.close();
      lines.push(`${file.path}: ${formatCount(count)} rows, ${formatBytes(bytes)}`);
    }
    await files.publish();
  } finally {
    await files.discard();
  }
  return lines;
}

function checkChoices({ what, format, interval, out }: Choices): void {
  if (interval !== undefined && !what.includes("bars"))
    throw new UsageError("--interval is for bars; --what names none.");
  if (out !== undefined) return;
  if (what.length > 1)
    throw new UsageError("Standard output takes one file: name one with --what, or a folder with --out.");
  const binary = format === "parquet" || format === "arrow";
  if (binary && process.stdout.isTTY) {
    throw new UsageError(`A terminal cannot show ${format}: write a file with --out, or use --format csv or ndjson.`);
  }
}

/** Each block is read once, one after the other. */
const cacheBytes = 8 << 20;

async function openTape(store: TapeStore, name: string): Promise<Tape> {
  if (parseSimulatedName(name) !== undefined) return simulatedTapeInPlace(name, new BlockCache(cacheBytes));
  const { id, version = (await store.current(id)) ?? 1 } = parseTapeName(name);
  const cache = new BlockCache(cacheBytes);
  if ((await store.versions(id)).includes(version)) return RecordedTape.open(store, id, version, cache);
  return (await openRecordedSoFar(store, tapeName(id, version), cache)) ?? Promise.reject(new TapeNotFound(name));
}

/** A tape that a feed records: the store has all but its last minute. */
async function openRecordedSoFar(store: TapeStore, name: string, cache: BlockCache): Promise<Tape | undefined> {
  const { openStoredTape, parseLiveTapeId } = await import("@tapedeck/live"); // few exports need it, and it is large
  if (parseLiveTapeId(name) === undefined) return undefined;
  const tape = await openStoredTape(name, { store, cache });
  if (tape === undefined) return undefined;
  const { lastSeq, lastNs } = tape.span;
  printError(
    `${name} is not finished yet: this is what its store has of it, up to frame ${lastSeq} (${tape.iso(lastNs)}).`,
  );
  return tape;
}

async function write(
  { content, rows }: Source,
  format: ExportFormat,
  take: (bytes: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<{ readonly count: number; readonly bytes: number }> {
  const status = new StatusLine(process.stderr);
  let count = 0;
  let done = 0;
  let bytes = 0;
  const chunks = encodeRows(rows, format, (progress) => {
    count = progress.rows;
    done = progress.done;
  });
  try {
    for await (const chunk of chunks) {
      await take(chunk);
      bytes += chunk.length;
      status.show(() => `${content}  ${Math.floor(100 * done)} %  ${formatCount(count)} rows  ${formatBytes(bytes)}`);
      await setImmediate(); // lets signals come in: a pipe takes bytes without a turn of the event loop
      signal.throwIfAborted();
    }
  } finally {
    status.clear();
  }
  return { count, bytes };
}
