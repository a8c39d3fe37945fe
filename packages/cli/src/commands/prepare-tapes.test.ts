import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { FolderTapeStore, ImportRefused } from "@tapedeck/tape";
import { afterEach, beforeEach, expect, test } from "vitest";

import { prepareTapes } from "./prepare-tapes.js";

let folder = "";
let sentences: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-prepare-"));
  sentences = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function prepare(name: string, content: string | Uint8Array, keepPartial = false): Promise<void> {
  const path = join(folder, name);
  await writeFile(path, content);
  await prepareTapes({
    store: join(folder, "tapes"),
    endpoint: undefined,
    recordings: [path],
    keepPartial,
    tell: (...lines) => sentences.push(...lines),
    signal: new AbortController().signal,
  });
}

const start = Date.UTC(2024, 0, 2, 9);
const messages = Array.from({ length: 2_000 }, (_, n) =>
  JSON.stringify({
    e: "depthUpdate",
    E: start + n * 50,
    s: "X",
    U: n,
    u: n,
    b: [["100", `${n + 1}`]],
    a: [["101", "1"]],
  }),
);
const packed = gzipSync(messages.join("\n"));

test("[IM30] the local cluster does not start with a truncated recording, unless --keep-partial is given", async () => {
  const cut = packed.subarray(0, packed.length / 2);
  const refused = prepare("cut.gz", cut);
  await expect(refused).rejects.toBeInstanceOf(ImportRefused);
  await expect(refused).rejects.toThrow(
    /cut.gz cannot be read to its end: after line \d+, received at .*--keep-partial/,
  );
  expect(await new FolderTapeStore(join(folder, "tapes")).ids()).toEqual([]);
  await prepare("cut.gz", cut, true);
  expect(sentences.join("\n")).toMatch(/^x-binance-20240102@1 .*, partial$/m);
});

test.each([
  ["text.txt", 'a "quoted text'],
  ["array.json", '[{"price": 1}]'],
  ["header.csv", "time,bid_price_1,bid_size_1,ask_price_1,ask_size_1\n"],
  ["not-a.zip", Buffer.from("PK\x03\x04 and nothing else")],
  ["not-a.zst", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0])],
])("[IM37] what cannot become a tape ends the start with one sentence: %s", async (name, content) => {
  const refused = prepare(name, content);
  await expect(refused).rejects.toBeInstanceOf(ImportRefused);
  await expect(refused).rejects.toThrow(name);
});
