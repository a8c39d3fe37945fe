import { TestFeed } from "@tapedeck/live/testing";
import { bookChanges, fullBook, tapesAnswer, tapeView } from "@tapedeck/protocol";
import { connectRedis, createLogger, untilReady } from "@tapedeck/runtime";
import { MemoryTapeStore, writeDemoTape } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { importSmallRecording } from "../testing/small-recording.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const log = createLogger({ service: "api", node: "test", level: "silent" });
const store = new MemoryTapeStore();
const redis = connectRedis({ url: inject("redisUrl"), purpose: "publisher", name: "feed-test", log });
/** Whether each tape has an event track, by its id. */
const tracks = new Map([
  ["small", true],
  ["without", false],
  ["demo", true],
]);
let api: TestApi;
const feeds: TestFeed[] = [];
beforeAll(async () => {
  await untilReady(redis);
  await importSmallRecording(store);
  await writeTestTape(store, { id: "without" });
  await writeDemoTape(store, { minutes: 1 });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes: store });
  for (const [symbol, events] of [
    ["BTCUSDT", true],
    ["ETHUSDT", false],
    ["SOLUSDT", true],
  ] as const) {
    const feed = await TestFeed.claim({ redis, keys: api.keys, store, log, symbol, events });
    await feed.append(20);
    tracks.set(feed.tape.split("@")[0] ?? "", events);
    feeds.push(feed);
  }
  await feeds.pop()?.writer.finish();
});
afterAll(async () => {
  for (const { writer } of feeds) await writer.release();
  await api.stop();
  redis.disconnect();
});

const get = async (path: string) => (await api.ask("GET", path)).json;

test("[A140] the changes of a growing tape's book have its decimals, and lead to the book of its newest frame", async () => {
  const [feed] = feeds;
  const path = `/tapes/${feed?.tape}/book`;
  const linesOf = async (query: string) => {
    const { text } = await api.ask("GET", `${path}/changes?${query}`);
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => bookChanges.parse(JSON.parse(line)));
  };
  const later = await linesOf("from_seq=9&to_seq=19&whole=false");
  expect(later.map(({ seq, bids }) => [seq, bids])).toEqual(
    Array.from({ length: 10 }, (_, nth) => [nth + 10, [[String(20 + (nth % 5)), `${nth + 11}.0`]]]),
  );
  const [first] = await linesOf("from_seq=9&to_seq=9");
  const bids = new Map([...(first?.bids ?? []), ...later.flatMap((line) => line.bids)]);
  const book = fullBook.parse(await get(`${path}?seq=19&depth=1000`));
  expect([...bids].sort(([a], [b]) => Number(b) - Number(a))).toEqual(book.bids);
});

describe("[A136] event_track", () => {
  test("is true of the listed tapes that have a track: imported, recorded by feeds, growing or finished, and the demo", async () => {
    const { tapes } = tapesAnswer.parse(await get("/tapes"));
    expect(new Map(tapes.map(({ id, event_track }) => [id, event_track]))).toEqual(tracks);
    expect(tapes.filter(({ growing }) => growing)).toHaveLength(2);
  });

  test("says of each tape, also of a simulated one, whether its whole book is answered", async () => {
    for (const [id, expected] of [...tracks, ["sim2.BTCUSDT.1.calm", true] as const]) {
      expect([id, tapeView.parse(await get(`/tapes/${id}`)).event_track]).toEqual([id, expected]);
      const { status, json } = await api.ask("GET", `/tapes/${id}/book?seq=5`);
      expect([id, status]).toEqual([id, expected ? 200 : 404]);
      if (!expected) expect(json).toMatchObject({ code: "TRACK_NOT_FOUND" });
    }
  });
});
