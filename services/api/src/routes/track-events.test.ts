import { type TrackLine, trackLine } from "@tapedeck/protocol";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { changeOf, importSmallRecording, levels, updates } from "../testing/small-recording.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";

let api: TestApi;
beforeAll(async () => {
  const tapes = new MemoryTapeStore();
  await importSmallRecording(tapes);
  await writeTestTape(tapes, { id: "without" });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
});
afterAll(() => api.stop());

async function textOf(query = ""): Promise<string> {
  const answer = await api.ask("GET", `/tapes/small/events${query}`);
  expect([query, answer.status]).toEqual([query, 200]);
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  return answer.text;
}

/** The lines of an answer, each of which is what `/openapi.json` says. */
async function linesOf(query = ""): Promise<TrackLine[]> {
  const text = await textOf(query);
  expect(text === "" || text.endsWith("\n")).toBe(true);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => trackLine.parse(JSON.parse(line)));
}

/** At equal times trades come first. So these are events 0 (a trade), 1 (the depth response), 2 (an update), 3 (a trade), ... */
const lastN = 2 * updates;

describe("[A126] the events of a tape", () => {
  test("are a line for each level change and each trade, in their order and to the last decimal", async () => {
    const [early, ...lines] = await linesOf();
    expect(early).toMatchObject({ kind: "trade", n: 0, id: "1", state: "left-out" }); // before a price is known
    for (const line of lines.splice(0, 2 * levels)) {
      expect(line).toMatchObject({ kind: "book", n: 1, is_snapshot: true, amount: "1.000", state: "applied" });
    }
    const expected = Array.from({ length: updates }, (_, nth) => {
      const { bid, ask, size } = changeOf(nth);
      const update = { kind: "book", n: 2 * nth + 2, is_snapshot: false, amount: size, last_id: nth + 2 };
      const trade = {
        kind: "trade",
        n: 2 * nth + 1,
        id: String(nth + 1),
        side: "buy",
        price: "100.05",
        amount: "0.010",
      };
      return [trade, { ...update, side: "bid", price: bid }, { ...update, side: "ask", price: ask }];
    });
    expect(lines).toMatchObject(expected.flat().slice(1));
  });

  test("have the names of the files' columns, in their order", async () => {
    const [trade, update] = (await textOf("?from_n=3&limit=2")).split("\n");
    const market = '"exchange":"BINANCE-FUTURES","symbol":"BTCUSDT"';
    const times = '"timestamp":"2024-01-02T00:00:00.200Z","local_timestamp":"2024-01-02T00:00:00.200Z"';
    expect(trade).toBe(
      `{"kind":"trade",${market},${times},"id":"2","side":"buy","price":"100.05","amount":"0.010",` +
        '"n":3,"seq":1,"heard":4,"state":"applied"}',
    );
    expect(update).toBe(
      `{"kind":"book",${market},${times},"is_snapshot":false,"side":"bid","price":"99.90","amount":"3.125",` +
        '"n":4,"seq":1,"heard":3,"state":"applied","first_id":2,"last_id":3,"previous_id":2}',
    );
  });

  test("begin and end where the query says, by number, frame or time", async () => {
    const all = await linesOf();
    const ranges: readonly (readonly [query: string, from: number, to: number])[] = [
      ["?from_n=21&to_n=23", 21, 23],
      ["?from_seq=10&to_seq=11", 21, 23],
      ["?from_ts=2024-01-02T00:00:01.100Z&to_ts=2024-01-02T00:00:01.200Z", 21, 23],
      ["?from_ts=2024-01-02T00:00:01.000000001Z&to_n=23", 21, 23],
      ["?to_seq=0", 0, 0],
      ["?from_n=23&to_n=21", 0, 0],
      [`?from_n=${lastN}`, lastN, lastN + 1],
      ["?from_seq=100000", 0, 0],
    ];
    for (const [query, from, to] of ranges) {
      expect([query, await linesOf(query)]).toEqual([query, all.filter(({ n }) => n >= from && n < to)]);
    }
  });

  test("come page by page, and an event is always whole", async () => {
    const all = await linesOf();
    const paged: TrackLine[] = [];
    for (let page = await linesOf("?limit=7"); page.length > 0; ) {
      paged.push(...page);
      page = await linesOf(`?from_n=${(page.at(-1)?.n ?? 0) + 1}&limit=7`);
    }
    expect(paged).toEqual(all);
    expect(await linesOf("?from_n=1&limit=1")).toHaveLength(2 * levels);
  });

  test.each([
    ["?from_n=1&from_seq=2", 422, "from_n: at most one of from_n, from_seq and from_ts is accepted"],
    ["?to_seq=1&to_ts=2024-01-02T00:00:00Z", 422, "to_n: at most one of to_n, to_seq and to_ts is accepted"],
    ["?from_n=-1", 422, "from_n: must be at least 0"],
    ["?limit=0", 422, "limit: must be at least 1"],
    ["?to_ts=noon", 422, "to_ts: must be an ISO 8601 time in UTC"],
    ["?from_seq=1e3", 400, "from_seq: must be a plain decimal number"],
  ])("asked for with %s are refused, and the message names the rule", async (query, status, message) => {
    const answer = await api.ask("GET", `/tapes/small/events${query}`);
    expect(answer.json).toMatchObject({ message: expect.stringContaining(message) });
    expect(answer.status).toBe(status);
  });

  test("are refused for a tape that has none", async () => {
    for (const [id, code] of [
      ["without", "TRACK_NOT_FOUND"],
      ["nothing", "TAPE_NOT_FOUND"],
    ] as const) {
      expect((await api.ask("GET", `/tapes/${id}/events`)).json).toMatchObject({ code });
    }
  });
});
