import { expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import "../support/expect.js";
import { clientAt, SdkViewer } from "../support/sdk-viewer.js";

/** One service of each kind: all of them lose Redis at once. */
const one = { apis: 1, gateways: 1, tickers: 1 };

/** Stops Redis until commands are refused, then starts it again. */
async function withoutRedis(cluster: TestCluster, viewer: SdkViewer): Promise<void> {
  await cluster.ownRedis?.stop();
  await expect(viewer.session.speed(2)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(clientAt(cluster.url).open()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(viewer.session.connection).toBe("open");
  await cluster.ownRedis?.start();
}

testOnCluster(() => ({ ...one, ownRedis: "keeps its data" }))(
  "[CL34] when Redis restarts, the connection stays, commands are refused meanwhile, and the session continues without a gap",
  async ({ cluster }) => {
    const truth = await cluster.recording("usdm");
    const viewer = await SdkViewer.open(clientAt(cluster.url), { tape: "usdm" });
    await viewer.session.start();
    await viewer.next(20);
    await withoutRedis(cluster, viewer);
    await viewer.next(40, 40_000);
    expect(viewer.connections).toEqual([]);
    expect(viewer.histories).toHaveLength(1);
    expect(viewer.frames).toHaveConsecutiveSeqs();
    expect(viewer.frames).toBeOfTape(truth);
    await cluster.until(
      () =>
        viewer.session.speed(3).then(
          ({ speed }) => speed === 3,
          () => false,
        ),
      "a command to be carried out again",
    );
    viewer.session.close();
  },
);

testOnCluster(() => ({ ...one, ownRedis: "forgets" }))(
  "[CL34] when Redis restarts without its data, the session ends, and a new one can be opened",
  async ({ cluster }) => {
    const viewer = await SdkViewer.open(clientAt(cluster.url), { tape: "usdm" });
    await viewer.session.start();
    await viewer.next(20);
    await withoutRedis(cluster, viewer);
    await viewer.until(() => viewer.end !== undefined, "the end", 40_000);
    expect(viewer.end).toEqual({ reason: "expired" });
    expect(viewer.frames).toHaveConsecutiveSeqs();
    let again: SdkViewer | undefined;
    await cluster.until(async () => {
      again = await SdkViewer.open(clientAt(cluster.url), { tape: "usdm" }).catch(() => undefined);
      return again !== undefined;
    }, "the cluster to serve again");
    await again?.session.start();
    await again?.next(20);
    again?.session.close();
  },
);
