import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderTapeStore, openTapeStore } from "@tapedeck/tape";
import S3rver from "s3rver";
import { afterAll, beforeAll, expect, inject, vi } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import "../support/expect.js";

let folder = "";
let server: S3rver;
let env: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-s3-"));
  server = new S3rver({
    port: 0,
    address: "127.0.0.1",
    silent: true,
    directory: folder,
    configureBuckets: [{ name: "tapes", configs: [] }],
  });
  const { port } = await server.run();
  env = {
    TAPEDECK_STORE: "s3://tapes/all",
    S3_ENDPOINT: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: "S3RVER",
    AWS_SECRET_ACCESS_KEY: "S3RVER",
    AWS_REGION: "us-east-1",
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const test = testOnCluster(() => ({ env: { all: env } }));

test("[C28] a cluster plays out of a bucket what it plays out of a folder", async ({ cluster }) => {
  await copy("usdm");
  const { id, viewers, truth } = await cluster.watched({ max_fps: 30, speed: 50 }, { start: false });
  expect((await cluster.http.get("/tapes")).body).toMatchObject({
    tapes: [{ id: "usdm", frames: truth.lastSeq + 1 }],
  });
  await cluster.http.control(id, "start");
  for (const viewer of viewers) {
    await viewer.until(() => viewer.session?.reason === "ended" && viewer.lastSeq === truth.lastSeq, "the end", 60_000);
    expect(viewer.frames).toHaveConsecutiveSeqs();
    expect(viewer.frames).toBeOfTape(truth);
  }
  await cluster.end({ id, viewers });
});

/** Copies the current version of a tape from the run's folder to the bucket, file by file. */
async function copy(id: string): Promise<void> {
  const from = new FolderTapeStore(inject("tapeStore"));
  const to = await openTapeStore("s3://tapes/all", env.S3_ENDPOINT);
  const version = (await from.current(id)) ?? 1;
  const draft = await to.begin(id);
  for (const file of ["manifest.json", "index.bin", "blocks.bin", "events.bin", "overview.bin"]) {
    await draft.append(file, await from.read(id, version, file));
  }
  await draft.publish();
}
