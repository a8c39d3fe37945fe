import { afterAll, beforeAll, describe } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { Bucket } from "../support/s3-server.js";
import { MixedSessions } from "./mixed-sessions.js";

/** A speed that plays the frames fetched ahead, some minutes at 1x, in seconds. */
const fast = 60;

let bucket: Bucket;
beforeAll(async () => {
  bucket = await Bucket.withTapes("usdm", "primary");
});
afterAll(() => bucket.dispose());

const test = testOnCluster(() => ({
  gateways: 2,
  apis: 2,
  tickers: 1,
  feeds: 1,
  env: { all: bucket.env, feed: { LIVE_PART_S: "2" } },
}));

describe("a bucket that accepts connections but does not answer", () => {
  test("[F70] recorded sessions play from memory and then stall; live and simulated markets continue", async ({
    cluster,
  }) => {
    const sessions = await MixedSessions.start(cluster, fast);
    await sessions.checkStoreOutage("is silent", {
      begin: async () => bucket.goSilent(),
      end: async () => bucket.resume(),
    });
    await sessions.expectAllRecovered();
    await sessions.end();
  });
});
