import { execFile } from "node:child_process";
import { cp, mkdtemp, open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, inject } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { Tapes } from "../support/tapes.js";
import { MixedSessions } from "./mixed-sessions.js";

/** A speed that plays the frames in memory, some minutes at 1x, within the outage. */
const fast = 60;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path(tmpdir(), "tapedeck-hung-"));
  for (const tape of ["usdm", "primary", "eth"] as const) {
    await new Tapes(inject("tapeStore")).recorded(tape);
    await cp(path(inject("tapeStore"), tape), path(folder, tape), { recursive: true });
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const test = testOnCluster(() => ({
  gateways: 2,
  apis: 2,
  tickers: 1,
  feeds: 1,
  env: { all: { TAPEDECK_STORE: folder }, feed: { LIVE_PART_S: "2" } },
}));

/** Files on a server that does not answer: named pipes, whose opening blocks until a writer opens them. */
class Hung {
  readonly #files: readonly string[];

  static async of(...files: string[]): Promise<Hung> {
    for (const file of files) {
      await rename(file, `${file}.kept`);
      await promisify(execFile)("mkfifo", [file]);
    }
    return new Hung(files);
  }

  private constructor(files: readonly string[]) {
    this.#files = files;
  }

  async answer(): Promise<void> {
    for (const file of this.#files) {
      await rename(file, `${file}.hung`);
      await rename(`${file}.kept`, file);
      // The blocked readers get an empty file, after their deadline.
      await (await open(`${file}.hung`, "r+")).close();
      await rm(`${file}.hung`);
    }
  }
}

describe("a tape store in a network folder", () => {
  test("[F72] while the folder hangs, recorded sessions play from memory and then stall; live and simulated markets and all processes continue", async ({
    cluster,
  }) => {
    const sessions = await MixedSessions.start(cluster, fast);
    let hung: Hung | undefined;
    const files = ["primary/1/blocks.bin", "eth/current.json", "eth/1/manifest.json"];
    await sessions.checkStoreOutage("hangs", {
      begin: async () => {
        hung = await Hung.of(...files.map((file) => path(folder, file)));
      },
      end: async () => hung?.answer(),
    });
    await sessions.expectAllRecovered();
    await sessions.end();
  });
});
