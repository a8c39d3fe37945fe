import { tapesAnswer } from "@tapedeck/protocol";
import { afterAll, beforeAll, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { FakeBinance } from "../support/exchange/binance.js";
import "../support/expect.js";

const exchange = new FakeBinance();
beforeAll(async () => {
  await exchange.open();
  exchange.market("BTCUSDT").run();
});
afterAll(() => exchange.close());

const test = testOnCluster(() => ({
  gateways: 1,
  apis: 1,
  tickers: 1,
  feeds: 1,
  env: {
    all: { LIVE_LINGER_S: "20" },
    feed: { BINANCE_URL: exchange.url, BINANCE_REST_URL: exchange.restUrl, LIVE_PART_S: "2", LIVE_KEEP_S: "4" },
  },
}));

test("[LV83] a LIVE recording opens as a tape for REPLAY, with the frames that viewers saw", {
  timeout: 180_000,
}, async ({ cluster }) => {
  const { session_id: id } = await cluster.http.create({ mode: "LIVE", symbol: "BTCUSDT", max_fps: 0 });
  const viewer = await cluster.watch(id);
  await viewer.next(60, 40_000); // over two segments in the store, and the tail
  const { tape } = await cluster.http.session(id);
  expect(tape).toMatch(/^live\.BINANCE\.BTCUSDT\.\d+@1$/);
  const listed = async () =>
    (await cluster.http.ask(tapesAnswer, "GET", "/tapes")).tapes.find((its) => `${its.id}@${its.version}` === tape);
  expect(await listed()).toMatchObject({ growing: true, symbol: "BTCUSDT", source: "BINANCE" });

  await viewer.close();
  await cluster.http.delete(id);
  await cluster.until(async () => (await listed())?.growing === false, "the tape to be finished", 60_000);
  await cluster.until(() => exchange.clients.size === 0, "the feed to leave the exchange");

  const { session_id: again } = await cluster.http.create({ mode: "REPLAY", tape: tape?.split("@")[0], max_fps: 0 });
  const replay = await cluster.watch(again);
  await cluster.http.control(again, "speed/50");
  await cluster.http.control(again, "start");
  await replay.until(() => replay.messagesOf("state").some(({ cause }) => cause === "ended"), "the end of the tape");
  expect(replay.frames).toHaveConsecutiveSeqs();
  expect(replay.frames[0]?.seq).toBe(0);
  expect(await cluster.http.session(again)).toMatchObject({ tape, mode: "REPLAY", state: "STOPPED" });

  const recorded = new Map(replay.frames.map(({ seq, json }) => [seq, JSON.stringify(JSON.parse(json))]));
  const seen = viewer.frames.map(({ seq, json }) => [seq, JSON.stringify(JSON.parse(json))] as const);
  expect(seen.length).toBeGreaterThanOrEqual(60);
  for (const [seq, json] of seen) expect(recorded.get(seq), `frame ${seq}`).toBe(json);
  const bytes = new Map(replay.live.map(({ seq, json }) => [seq, json]));
  for (const { seq, json } of viewer.live) expect(bytes.get(seq) ?? json).toBe(json);
  await cluster.end({ id: again, viewers: [replay] });
});
