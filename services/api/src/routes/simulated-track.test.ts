import { analyticsVersion } from "@tapedeck/market";
import { bookChanges, fullBook, RefusedError, trackLine } from "@tapedeck/protocol";
import { MemoryTapeStore } from "@tapedeck/tape";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-api.js";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes: new MemoryTapeStore() });
});
afterAll(() => api.stop());

const tape = "sim2.BTCUSDT.42.mixed";
const asked = async (path: string) => (await api.ask("GET", path)).json;
const bookAt = async (query: string) => fullBook.parse(await asked(`/tapes/${tape}/book${query}`));

async function linesOf(query: string) {
  const { status, text } = await api.ask("GET", `/tapes/${tape}/events${query}`);
  expect([query, status]).toEqual([query, 200]);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => trackLine.parse(JSON.parse(line)));
}

describe("[A130] the event track of a simulated tape", () => {
  test("is there, and has no file of whole books", async () => {
    expect(await asked(`/tapes/${tape}`)).toMatchObject({ event_track: true });
    expect(await asked(`/tapes/${tape}/snapshots.parquet`)).toMatchObject({ code: "TRACK_NOT_FOUND" });
  });

  test("has the book at a frame or a time, to its full depth", async () => {
    const book = await bookAt("?seq=1234&depth=1000");
    expect(book).toMatchObject({ tape: `${tape}@${analyticsVersion}`, source: "SIMULATION", seq: 1_234 });
    expect(book).toMatchObject({ known_low: null, known_high: null, limits_known: true });
    expect([book.bids.length, book.bid_levels > 20]).toEqual([book.bid_levels, true]);
    expect(await bookAt(`?ts=${book.ts}&depth=1000`)).toEqual(book);
  });

  test("has the events of a range, which make the book", async () => {
    const [before, after] = [await bookAt("?seq=1199&depth=1000"), await bookAt("?seq=1201&depth=1000")];
    const sides = { bid: new Map(before.bids), ask: new Map(before.asks) };
    const lines = await linesOf("?from_seq=1200&to_seq=1202");
    expect(lines.at(-1)?.n).toBe(after.n);
    for (const line of lines) {
      expect(line).toMatchObject({ exchange: "SIMULATION", state: "applied", local_timestamp: line.timestamp });
      if (line.kind === "trade") continue;
      sides[line.side].delete(line.price);
      if (Number(line.amount) > 0) sides[line.side].set(line.price, line.amount);
    }
    expect(sides).toEqual({ bid: new Map(after.bids), ask: new Map(after.asks) });
    const [first] = lines;
    expect(await linesOf(`?from_n=${first?.n}&to_seq=1202`)).toEqual(lines);
    expect((await linesOf(`?from_ts=${first?.timestamp}&to_seq=1202&limit=1`)).map(({ n }) => n)).toContain(first?.n);
  });

  test("has the book's changes over time, across the end of a minute", async () => {
    const { text } = await api.ask("GET", `/tapes/${tape}/book/changes?from_seq=590&to_seq=610`);
    const sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
    for (const line of text.split("\n").slice(0, -1)) {
      const { seq, ...changes } = bookChanges.parse(JSON.parse(line));
      expect(seq).toBeLessThanOrEqual(610);
      for (const side of ["bids", "asks"] as const) {
        for (const [price, size] of changes[side]) {
          if (Number(size) === 0) sides[side].delete(price);
          else sides[side].set(price, size);
        }
      }
    }
    const book = await bookAt("?seq=610&depth=1000");
    expect(sides).toEqual({ bids: new Map(book.bids), asks: new Map(book.asks) });
  });

  const why = `tape ${tape}@${analyticsVersion} is simulated, and made when it is asked for, at most six hours at a time.`;
  test.each([
    ["", `from_n: one of from_n, from_seq and from_ts is required; ${why}`],
    ["?from_seq=5", `to_n: one of to_n, to_seq and to_ts is required; ${why}`],
    ["?to_n=5&limit=1", `from_n: one of from_n, from_seq and from_ts is required; ${why}`],
    ["?from_seq=0&to_seq=216001", `to: must be at most six hours after from; ${why}`],
    [
      "?from_ts=2025-01-01T00:00:00Z&to_ts=2025-01-01T06:00:00.001Z",
      `to: must be at most six hours after from; ${why}`,
    ],
  ])("is refused for the range %s", async (query, message) => {
    expect(await api.ask("GET", `/tapes/${tape}/events${query}`)).toMatchObject({
      status: 422,
      json: { code: "INVALID_VALUE", message },
    });
  });
});

describe("[A130] the event track of a tape with orders of a user", () => {
  test("is its session's alone, which has its book", async () => {
    const { session_id, tape: name } = await withOrder();
    const book = fullBook.parse(await asked(`/sessions/${session_id}/book?depth=1000`));
    expect([book.tape, book.bids.length > 20]).toEqual([name, true]);
    const paths = ["book?seq=0", "events?from_seq=0&to_seq=1", "book/changes?from_seq=0&to_seq=1", "book.parquet"];
    for (const path of paths) {
      expect(await api.ask("GET", `/tapes/${encodeURIComponent(name)}/${path}`)).toMatchObject({
        status: 404,
        json: { code: "TAPE_NOT_FOUND" },
      });
    }
  });

  test("[A141] is read through the session, as the track of a tape is", async () => {
    const { session_id } = await withOrder();
    const { seq, bids, asks } = fullBook.parse(await asked(`/sessions/${session_id}/book?depth=1000`));
    const changes = await api.ask("GET", `/sessions/${session_id}/book/changes?from_seq=${seq}&to_seq=${seq}`);
    expect(bookChanges.parse(JSON.parse(changes.text))).toMatchObject({ seq, whole: true, bids, asks });
    const events = await api.ask("GET", `/sessions/${session_id}/events?from_seq=${seq}&to_seq=${seq + 1}`);
    const [first] = events.text.split("\n");
    expect(trackLine.parse(JSON.parse(first ?? ""))).toMatchObject({ seq, exchange: "SIMULATION" });
    expect(await asked(`/sessions/${session_id}/events`)).toMatchObject({ code: "INVALID_VALUE" });
  });

  /** On a busy machine a market may not be made in time, and the order is to be given again. */
  async function withOrder() {
    await api.sessions.open("trader", { mode: "SIMULATION", seed: 42, createdBy: "127.0.0.1", userId: "" });
    await api.sessions.perform("trader", { type: "start" });
    for (;;) {
      try {
        const { record } = await api.sessions.perform("trader", { type: "order", side: "BUY", quantity: 1 });
        return { session_id: "trader", tape: record.tape };
      } catch (error) {
        if (!(error instanceof RefusedError && error.code === "BUSY")) throw error;
      }
    }
  }
});
