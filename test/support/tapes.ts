import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FolderTapeStore, importRecording, type Tape, TapeCatalog } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { Truth } from "./truth.js";

/** Folder of the real recordings: beside the repository, or where `TAPEDECK_TEST_DATA` says. */
const dataFolder = process.env.TAPEDECK_TEST_DATA
  ? new URL(`${process.env.TAPEDECK_TEST_DATA.replace(/\/?$/, "/")}`, "file:///")
  : new URL("../../../shared/data/", import.meta.url);

interface Recording {
  readonly files: readonly string[];
  /** Where a made-up one has marked gaps. */
  readonly gapAfter?: readonly { readonly seq: number; readonly ms: number }[];
  readonly symbol: string;
  readonly intervalMs: number;
}

/** Tapes of real markets that the tests play, by the id they are imported as. */
export const recordings = {
  /** 178 s of BTCUSDT futures. */
  usdm: { files: ["binance-raw/usdm_btcusdt_20240718.gz"], symbol: "BTCUSDT", intervalMs: 100 },
  /** 514 s of BTCUSDT futures: the primary recording. */
  primary: {
    files: ["binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz"],
    symbol: "BTCUSDT",
    intervalMs: 100,
  },
  /** The same at four frames a second. */
  slow: {
    files: ["binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz"],
    symbol: "BTCUSDT",
    intervalMs: 250,
  },
  /** Seven windows of 32 s, 37 hours apart. */
  sparse: {
    files: [1, 2, 3, 4, 5, 6, 7].map((nth) => `lob-250ms/csv_example_${nth}.csv`),
    symbol: "BTCUSDT",
    intervalMs: 100,
    gapAfter: [1, 2, 3, 4, 5, 6].map((nth) => ({ seq: nth * 320 - 1, ms: 37 * 3_600_000 })),
  },
  eth: { files: ["binance-raw/spot_ethusdt_20240808.gz"], symbol: "ETHUSDT", intervalMs: 100 },
  aapl: {
    files: [
      "lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv",
      "lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv",
    ],
    symbol: "AAPL",
    intervalMs: 0,
  },
} as const satisfies Record<string, Recording>;
export type RecordingName = keyof typeof recordings;

/** Where files of the recordings are, or would be. */
export function pathsOf(files: readonly string[]): string[] {
  return files.map((file) => fileURLToPath(new URL(file, dataFolder)));
}

/** The files of a recording; none if the data is absent. */
export function recordedFiles(name: RecordingName): string[] {
  const paths = pathsOf(recordings[name].files);
  return paths.every((path) => existsSync(path)) ? paths : [];
}

/** A folder of tapes, filled as they are asked for. */
export class Tapes {
  readonly folder: string;
  readonly catalog: TapeCatalog;
  readonly #store: FolderTapeStore;
  readonly #truths = new Map<string, Promise<Truth>>();

  constructor(folder: string) {
    this.folder = folder;
    this.#store = new FolderTapeStore(folder);
    this.catalog = new TapeCatalog(this.#store, { cacheBytes: 64 << 20 });
  }

  /** The tape of a recording, imported unless it is there. Where the data is absent it is made up, with a warning. */
  async recorded(name: RecordingName): Promise<Tape> {
    const isAbsent = async () => (await this.#store.current(name)) === undefined;
    if (await isAbsent()) await this.#copy(name);
    if (await isAbsent()) await this.#import(name, recordings[name]);
    return this.catalog.open(name);
  }

  async truth(id: string): Promise<Truth> {
    const known = this.#truths.get(id);
    if (known) return known;
    const reading = this.catalog.open(id).then((tape) => Truth.of(tape));
    this.#truths.set(id, reading);
    return reading;
  }

  /** Copies the tape that the first part of `npm test` to need it has imported, if there is a folder for these. */
  async #copy(name: RecordingName): Promise<void> {
    const imported = process.env.TAPEDECK_TEST_TAPES;
    if (imported === undefined || recordedFiles(name).length === 0) return;
    const kept = join(imported, name);
    if (!existsSync(kept)) {
      const draft = await mkdtemp(join(imported, ".draft-"));
      await new Tapes(draft).#import(name, recordings[name]);
      await moveInto(join(draft, name), kept);
      await rm(draft, { recursive: true });
    }
    await mkdir(this.folder, { recursive: true });
    const draft = await mkdtemp(join(this.folder, ".draft-"));
    await cp(kept, draft, { recursive: true });
    await moveInto(draft, join(this.folder, name));
  }

  async #import(id: string, { files, symbol, intervalMs, gapAfter }: Recording): Promise<void> {
    const paths = pathsOf(files);
    const absent = paths.filter((path) => !existsSync(path));
    if (absent.length > 0) {
      console.warn(`NO RECORDING: ${absent.join(", ")} is not there; tests play a made-up tape as "${id}" instead.`);
      await writeTestTape(this.#store, {
        id,
        symbol,
        frames: 2240,
        intervalMs: intervalMs || 50,
        ...(gapAfter && { gapAfter }),
      });
      return;
    }
    await importRecording(paths, { id, symbol, intervalMs }, { store: this.#store });
  }
}

/** Puts a folder where it should be, unless another process has put one there meanwhile. */
async function moveInto(folder: string, place: string): Promise<void> {
  try {
    await rename(folder, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
    await rm(folder, { recursive: true });
  }
}
