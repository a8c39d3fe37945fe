import { afterAll, beforeAll, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { Bucket } from "../support/s3-server.js";
import "../support/expect.js";

let bucket: Bucket;

beforeAll(async () => {
  bucket = await Bucket.withTapes("usdm");
});
afterAll(() => bucket.dispose());

const test = testOnCluster(() => ({ env: { all: bucket.env } }));

test("[C28] a cluster plays out of a bucket what it plays out of a folder", async ({ cluster }) => {
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
