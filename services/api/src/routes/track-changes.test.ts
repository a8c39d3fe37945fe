import { type BookChanges, bookChanges, fullBook } from "@tapedeck/protocol";
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

async function linesOf(query: string): Promise<BookChanges[]> {
  const answer = await api.ask("GET", `/tapes/small/book/changes?${query}`);
  expect([query, answer.status]).toEqual([query, 200]);
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  return answer.text
    .split("\n")
    .slice(0, -1)
    .map((line) => bookChanges.parse(JSON.parse(line)));
}

async function bookAt(seq: number) {
  return fullBook.parse((await api.ask("GET", `/tapes/small/book?seq=${seq}&depth=1000`)).json);
}

/** The book after lines of changes, as `/book` answers it. */
function replayed(lines: readonly BookChanges[]) {
  const sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  for (const line of lines) {
    for (const name of ["bids", "asks"] as const) {
      if (line.whole) sides[name].clear();
      for (const [price, size] of line[name]) {
        if (Number(size) === 0) sides[name].delete(price);
        else sides[name].set(price, size);
      }
    }
  }
  const sorted = (side: Map<string, string>, sign: 1 | -1) =>
    [...side].sort(([a], [b]) => sign * (Number(a) - Number(b)));
  return { bids: sorted(sides.bids, -1), asks: sorted(sides.asks, 1) };
}

describe("[A140] the changes of a tape's book", () => {
  test("begin with the whole book of a frame, and lead to the book of each later one", async () => {
    const lines = await linesOf(`from_seq=3&to_seq=${updates - 1}`);
    const { known_low, known_high, limits_known, bids, asks } = await bookAt(3);
    expect(lines[0]).toEqual({ seq: 3, whole: true, bids, asks, known_low, known_high, limits_known });
    expect(bids).toHaveLength(levels);
    expect(lines.map(({ seq }) => seq)).toEqual(Array.from({ length: updates - 3 }, (_, nth) => nth + 3));
    for (const [nth, { seq }] of lines.entries()) {
      const book = await bookAt(seq);
      expect(replayed(lines.slice(0, nth + 1))).toEqual({ bids: book.bids, asks: book.asks });
    }
  });

  test("go on after a frame whose book the reader has, with the levels of each frame", async () => {
    const { bid, ask, size } = changeOf(5);
    const [first, ...others] = await linesOf("from_seq=4&to_seq=7&whole=false");
    expect(first).toEqual({ seq: 5, whole: false, bids: [[bid, size]], asks: [[ask, size]] });
    expect(others.map(({ seq }) => seq)).toEqual([6, 7]);
    expect(await linesOf("from_seq=7&to_seq=7&whole=false")).toEqual([{ seq: 7, whole: false, bids: [], asks: [] }]);
  });

  test("[A141] are those of a session's tape at the address of the session, for those who may view it", async () => {
    await api.ask("POST", "/sessions/create", { body: { session_id: "deep", tape: "small" } });
    for (const path of ["book/changes?from_seq=3&to_seq=9", "events?from_seq=3&to_seq=5"]) {
      const { text } = await api.ask("GET", `/tapes/small/${path}`);
      expect([path, (await api.ask("GET", `/sessions/deep/${path}`)).text]).toEqual([path, text]);
      expect((await api.ask("GET", `/sessions/nobody/${path}`)).json).toMatchObject({ code: "SESSION_NOT_FOUND" });
      expect((await api.ask("GET", `/sessions/global/${path}`)).json).toMatchObject({ code: "NO_TAPE" });
    }
  });

  test("are refused outside the tape, backwards, and without an event track", async () => {
    const refused = async (path: string) => {
      const { status, json } = await api.ask("GET", `/tapes/${path}`);
      return [status, json];
    };
    expect(await refused("small/book/changes?from_seq=3&to_seq=9999")).toMatchObject([
      422,
      { code: "INVALID_VALUE", message: expect.stringMatching(/^to_seq: must be from 0 to \d+ on tape small@1\.$/) },
    ]);
    expect(await refused("small/book/changes?from_seq=5&to_seq=3")).toMatchObject([
      422,
      { message: expect.stringMatching(/^to_seq: must not be before from_seq/) },
    ]);
    expect(await refused("small/book/changes?from_seq=5")).toMatchObject([400, {}]);
    expect(await refused("without/book/changes?from_seq=0&to_seq=1")).toMatchObject([404, { code: "TRACK_NOT_FOUND" }]);
  });
});
