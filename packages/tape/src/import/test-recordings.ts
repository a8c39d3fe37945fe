import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MemoryTapeStore } from "../store/memory-store.js";
import { TapeCatalog } from "../tape-catalog.js";
import { mergeStreams } from "./events/merge-streams.js";
import type { SourceEvent } from "./events/source-event.js";
import { sortByFormat } from "./formats/registry.js";
import { type ImportOptions, importRecording } from "./import-recording.js";
import type { ImportReport, TapeReport } from "./import-report.js";
import { openRecording } from "./input/recording-file.js";

/** Real recordings for tests, beside the repository or in `TAPEDECK_TEST_DATA`; they are not part of the repository. */
const folder = process.env.TAPEDECK_TEST_DATA
  ? new URL(`${process.env.TAPEDECK_TEST_DATA.replace(/\/?$/, "/")}`, "file:///")
  : new URL("../../../../../shared/data/", import.meta.url);

export const recordingsAbsent = !existsSync(folder);
if (recordingsAbsent) {
  process.stderr.write(`\nNO RECORDINGS in ${fileURLToPath(folder)}: tests that need them are SKIPPED.\n\n`);
}

export function recording(...names: readonly string[]): string[] {
  return names.map((name) => fileURLToPath(new URL(name, folder)));
}

export interface Imported {
  readonly report: ImportReport;
  readonly store: MemoryTapeStore;
}

export async function importToMemory(paths: readonly string[], options: ImportOptions = {}): Promise<Imported> {
  const store = new MemoryTapeStore();
  return { store, report: await importRecording(paths, options, { store }) };
}

const importedBefore = new Map<string, Promise<Imported>>();

/**
 * Real recordings, imported once for all test files that a worker runs, since that takes seconds. Only for tests that read: the store is
 * theirs together.
 */
export function importedOnce(paths: readonly string[], options: ImportOptions = {}): Promise<Imported> {
  const key = JSON.stringify([paths, options]);
  const imported = importedBefore.get(key) ?? importToMemory(paths, options);
  importedBefore.set(key, imported);
  return imported;
}

/** The report of the only tape, or of a symbol's tape. */
export function tapeOf({ report }: Pick<Imported, "report">, symbol?: string): TapeReport {
  const tapes = report.tapes.filter((tape) => symbol === undefined || tape.symbol === symbol);
  const [tape] = tapes;
  if (tape === undefined || tapes.length > 1) throw new Error(`expected one tape, found ${tapes.length}`);
  return tape;
}

/** The texts of a tape's frames. */
export async function* framesOf({ store }: Imported, { tape }: TapeReport): AsyncGenerator<string> {
  const opened = await new TapeCatalog(store, { cacheBytes: 32 << 20 }).open(tape ?? "");
  for (let seq = 0; seq <= opened.span.lastSeq; seq++) yield (opened.block(seq) ?? (await opened.load(seq))).json(seq);
}

/** The events of a recording in the order of its lines. */
export async function* eventsOf(paths: readonly string[]): AsyncGenerator<SourceEvent> {
  const reading = {
    symbol: undefined,
    date: undefined,
    signal: undefined,
    ignore: () => undefined,
    notice: () => undefined,
    brokenLine: (_file: unknown, line: number, reason: string) => {
      throw new Error(`line ${line}: ${reason}`);
    },
    cutShort: (_file: unknown, _last: unknown, reason: string) => {
      throw new Error(reason);
    },
    addProgress: () => undefined,
  };
  const { byFormat } = sortByFormat(await openRecording(paths));
  const streams = [...byFormat].flatMap(([format, files]) => format.streams(files, reading));
  for await (const events of mergeStreams(streams)) yield* events;
}
