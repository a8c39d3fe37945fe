import { afterAll, beforeAll, expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { percentile } from "../support/distribution.js";
import { FakeBinance } from "../support/exchange/binance.js";
import type { Viewer } from "../support/viewer.js";

const exchange = new FakeBinance();
/** When the exchange sent an event, ms since 1970. */
const sent: number[] = [];
beforeAll(async () => {
  await exchange.open();
  const market = exchange.market("BTCUSDT");
  market.onEvent(({ ms }) => sent.push(ms));
  market.run();
});
afterAll(() => exchange.close());

const test = testOnCluster(() => ({
  gateways: 2,
  apis: 1,
  tickers: 1,
  feeds: 1,
  env: { feed: { BINANCE_URL: exchange.url, BINANCE_REST_URL: exchange.restUrl } },
}));

const watchMs = 4_000;
/** A thousand take a minute to open and close on two cores: `LIVE_LATENCY_SOCKETS=1,100,1000`. */
const counts = (process.env.LIVE_LATENCY_SOCKETS ?? "1,100").split(",").map(Number);

/** Separate sessions at the edge of one market, each with one socket. */
async function crowd(cluster: TestCluster, count: number): Promise<{ id: string; viewer: Viewer }[]> {
  const users: { id: string; viewer: Viewer }[] = [];
  for (let from = 0; from < count; from += 50) {
    const group = Array.from({ length: Math.min(50, count - from) }, async () => {
      const { session_id: id } = await cluster.http.create({ mode: "LIVE", symbol: "BTCUSDT", max_fps: 0 });
      return { id, viewer: await cluster.watch(id) };
    });
    users.push(...(await Promise.all(group)));
  }
  await Promise.all(users.map(({ viewer }) => viewer.next(3, 60_000)));
  return users;
}

/** From sending an event at the exchange to receiving the frame that shows it, for each event and viewer. */
function delays(viewer: Viewer, since: number, until: number): { newest: number[]; all: number[] } {
  const newest: number[] = [];
  const all: number[] = [];
  let at = sent.findIndex((ms) => ms >= since);
  for (const frame of viewer.live) {
    const shown = Date.parse(JSON.parse(frame.json).exchange_ts);
    if (shown < since || shown > until) continue;
    newest.push(frame.at - shown);
    for (; (sent[at] ?? Number.POSITIVE_INFINITY) <= shown; at++) all.push(frame.at - (sent[at] ?? 0));
  }
  return { newest, all };
}

for (const count of counts) {
  test(`[LV84] from the exchange to the user, with ${count} sockets on one market`, { timeout: 300_000 }, async ({
    cluster,
  }) => {
    const users = await crowd(cluster, count);
    const since = Date.now();
    await cluster.until(() => Date.now() > since + watchMs + 1000, "the time to pass", watchMs + 5000);
    const per = users.map(({ viewer }) => delays(viewer, since, since + watchMs));
    const line = (name: string, values: readonly number[]) => {
      const [p50, p99, most] = [0.5, 0.99, 1].map((q) => percentile(values, q).toFixed(0));
      return `${name} p50 ${p50}, p99 ${p99}, most ${most} ms`;
    };
    const newest = per.flatMap((its) => its.newest);
    cluster.note(
      `LIVE latency, ${count} sockets: ${line("a frame's newest event", newest)}; ${line(
        "every event",
        per.flatMap((its) => its.all),
      )}`,
    );
    expect(exchange.connections).toBe(1);
    expect(newest.length).toBeGreaterThan(count * 20);
    expect(percentile(newest, 0.5)).toBeLessThan(1000);
    for (let from = 0; from < users.length; from += 50) {
      await Promise.all(users.slice(from, from + 50).map(({ id, viewer }) => cluster.end({ id, viewers: [viewer] })));
    }
  });
}
