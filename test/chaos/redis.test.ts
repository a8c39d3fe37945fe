import { describe, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import "../support/expect.js";

const test = testOnCluster(() => ({ ownRedis: "forgets" }));

describe("a Redis that restarts without its data", () => {
  test("[F6] no process dies, viewers are closed with 4404, and new sessions play", async ({ cluster }) => {
    const { viewers } = await cluster.watched({});
    await Promise.all(viewers.map((viewer) => viewer.next(5)));
    const pids = () => [...cluster.gateways, ...cluster.apis, ...cluster.tickers].map(({ pid }) => pid);
    const before = pids();

    await cluster.ownRedis?.stop();
    await cluster.until(async () => (await cluster.http.call("POST", "/sessions/create")).status === 503, "a 503");
    expect(viewers.map(({ closed }) => closed)).toEqual(viewers.map(() => undefined));
    await cluster.ownRedis?.start();

    for (const viewer of viewers) {
      await viewer.until(() => viewer.closed !== undefined, "the close", 30_000);
      expect(viewer.closed?.code).toBe(4404);
      expect(viewer.frames).toHaveConsecutiveSeqs();
    }
    await cluster.until(
      async () => (await cluster.http.call("POST", "/sessions/create", {})).status === 200,
      "the api to serve again",
    );
    const { id, viewers: again, truth } = await cluster.watched({});
    for (const viewer of again) {
      await viewer.next(20);
      expect(viewer.frames).toHaveConsecutiveSeqs();
      expect(viewer.frames).toBeOfTape(truth);
    }
    expect(pids()).toEqual(before);
    await cluster.end({ id, viewers: again });
  });
});
