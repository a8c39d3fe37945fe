import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type S3Server, startS3 } from "../../../../test/support/s3-server.js";
import { TapeCatalog } from "../tape-catalog.js";
import { writeTestTape } from "../testing.js";
import { openTapeStore } from "./open-store.js";
import { ReadAhead } from "./read-ahead.js";
import { S3Bucket } from "./s3-bucket.js";
import { S3TapeStore } from "./s3-store.js";
import { tapeStoreContract } from "./store.contract.js";

let folder: string;
let server: S3Server;
let endpoint: string;
let buckets = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-s3-"));
  server = await startS3(folder);
  endpoint = server.url;
  vi.stubEnv("AWS_ACCESS_KEY_ID", "S3RVER");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "S3RVER");
  vi.stubEnv("AWS_REGION", "us-east-1");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

function emptyStore(): S3TapeStore {
  return new S3TapeStore({ bucket: "tapes", prefix: `run-${buckets++}/`, endpoint });
}

describe("a bucket", () => {
  tapeStoreContract(async () => {
    const store = emptyStore();
    return { store, remove: async () => store.close() };
  });
});

test("[TP60] a tape in a bucket plays like one in a folder", async () => {
  const store = emptyStore();
  const name = await writeTestTape(store, { id: "aapl", frames: 3_000 });
  const inFolder = await openTapeStore(join(folder, "as-files"));
  await writeTestTape(inFolder, { id: "aapl", frames: 3_000 });
  const [there, here] = await Promise.all(
    [store, inFolder].map((from) => new TapeCatalog(from, { cacheBytes: 8 << 20 }).open(name)),
  );
  for (const seq of [0, 1, 63, 64, 1_500, 2_999]) {
    expect((await there?.load(seq))?.json(seq)).toBe((await here?.load(seq))?.json(seq));
  }
  store.close();
});

test("[TP60] a file of many parts arrives whole, and an abandoned version leaves nothing", async () => {
  const store = emptyStore();
  const piece = randomBytes(3 * 2 ** 20);
  const draft = await store.begin("large");
  for (let n = 0; n < 7; n++) await draft.append("blocks.bin", piece);
  await draft.commit();
  const whole = await store.read("large", draft.version, "blocks.bin");
  expect(whole.equals(Buffer.concat(Array(7).fill(piece)))).toBe(true);
  expect(await store.readRange("large", draft.version, "blocks.bin", piece.length - 2, 4)).toEqual(
    Buffer.concat([piece.subarray(-2), piece.subarray(0, 2)]),
  );

  const abandoned = await store.begin("large");
  for (let n = 0; n < 7; n++) await abandoned.append("blocks.bin", piece);
  const bucket = new S3Bucket({ bucket: "tapes", prefix: "", endpoint });
  const later = await store.begin("large");
  await later.append("blocks.bin", piece);
  await later.commit();
  await abandoned.discard();
  expect((await bucket.list("")).filter((key) => key.includes("/large/")).length).toBe(2);
  bucket.close();
  store.close();
});

test("[TP61] playback requests one window per many blocks, and no window twice", async () => {
  const asked: [offset: number, length: number][] = [];
  const object = randomBytes(700 * 1024);
  const reads = new ReadAhead(async (_key, offset, length) => {
    asked.push([offset, length]);
    return object.subarray(offset, offset + length);
  });
  const step = 12 * 1024;
  for (let at = 0; at < object.length; at += step) {
    expect((await reads.read("a", at, step))?.equals(object.subarray(at, at + step))).toBe(true);
  }
  expect(asked.map(([offset]) => offset / 2 ** 18)).toEqual([0, 1, 2]);
});

test("[TP61] a window that could not be fetched is requested again", async () => {
  let answers = 0;
  const reads = new ReadAhead(async (_key, _offset, length) => {
    if (answers++ === 0) throw new Error("the network is away");
    return Buffer.alloc(length);
  });
  await expect(reads.read("a", 0, 10)).rejects.toThrow("the network is away");
  expect(await reads.read("a", 0, 10)).toHaveLength(10);
});

test("[TP60] a store's address is a folder or a bucket, and any other is an error", async () => {
  expect(await openTapeStore("s3://tapes/some/where/", endpoint)).toBeInstanceOf(S3TapeStore);
  await expect(openTapeStore("ftp://tapes")).rejects.toThrow(
    '"ftp://tapes" is neither a folder nor s3://bucket/prefix',
  );
});
