import { mkdtemp, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fullBook } from "@tapedeck/protocol";
import { FolderTapeStore, MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { changeOf, importSmallOrders, importSmallRecording, levels, updates } from "../testing/small-recording.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";

let folder = "";
let api: TestApi;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-api-"));
  const tapes = new FolderTapeStore(folder);
  await importSmallRecording(tapes);
  await importSmallOrders(tapes);
  await writeTestTape(tapes, { id: "without" });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
});
afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

const stored = (file: string, tape = "small") => readFile(join(folder, tape, "1", file));
const path = "/tapes/small/book.parquet";

async function fetched(headers: Record<string, string> = {}, method = "GET", at = path) {
  const answer = await fetch(`${api.url}${at}`, { method, headers });
  return { answer, status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}

describe("[A120] the files of an event track", () => {
  test.each(["book", "trades", "snapshots"])("%s.parquet is answered as it is stored", async (name) => {
    const whole = await stored(`${name}.parquet`);
    for (const id of ["small", "small@1"]) {
      const { status, bytes, headers } = await fetched({}, "GET", `/tapes/${id}/${name}.parquet`);
      expect(status).toBe(200);
      expect(bytes.equals(whole)).toBe(true);
      expect(headers.get("content-type")).toBe("application/vnd.apache.parquet");
      expect(headers.get("content-length")).toBe(String(whole.length));
    }
    const head = await fetched({ range: "bytes=0-3" }, "HEAD", `/tapes/small/${name}.parquet`);
    expect(head).toMatchObject({ status: 200, bytes: Buffer.alloc(0) });
    expect(head.headers.get("content-length")).toBe(String(whole.length));
    expect(head.headers.get("accept-ranges")).toBe("bytes");
  });

  test("are four if the source says what happens to each order", async () => {
    const whole = await stored("orders.parquet", "orders");
    const { status, bytes } = await fetched({}, "GET", "/tapes/orders/orders.parquet");
    expect([status, bytes.equals(whole)]).toEqual([200, true]);
    const refused = await api.ask("GET", "/tapes/small/orders.parquet");
    expect(refused.status).toBe(404);
    const message = "Tape small@1 has no orders: its source does not say what happens to each order.";
    expect(refused.json).toEqual({ status: "error", code: "TRACK_NOT_FOUND", message });
  });

  test("are refused with 404 where there are none, and the message says why", async () => {
    const refused = async (at: string) => (await api.ask("GET", at)).json;
    const refusal = (message: string) => ({ status: "error", code: "TRACK_NOT_FOUND", message });
    for (const file of ["trades.parquet", "book?seq=0"]) {
      expect(await refused(`/tapes/without/${file}`)).toEqual(
        refusal("Tape without@1 has no event track: it was made without one."),
      );
    }
    expect(await refused("/tapes/sim.calm.1.BTCUSDT/trades.parquet")).toMatchObject({ code: "TAPE_NOT_FOUND" });
    expect(await refused("/tapes/sim2.BTCUSDT.1.calm/snapshots.parquet")).toEqual(
      refusal("Tape sim2.BTCUSDT.1.calm has no files of its event track: it is made when it is asked for."),
    );
    for (const id of ["nothing", "small@2"]) {
      expect(await api.ask("GET", `/tapes/${id}/trades.parquet`)).toMatchObject({ status: 404 });
      expect(await refused(`/tapes/${id}/trades.parquet`)).toMatchObject({ code: "TAPE_NOT_FOUND" });
    }
    expect(await api.ask("POST", path)).toMatchObject({ status: 405 });
  });
});

test("[ET14] a file that was cut short is refused as damaged, by its name", async () => {
  await importSmallRecording(new FolderTapeStore(folder), "cut");
  await truncate(join(folder, "cut", "1", "trades.parquet"), 100);
  const answer = await api.ask("GET", "/tapes/cut/trades.parquet");
  expect(answer.status).toBe(409);
  const message = "Tape cut@1 is damaged: trades.parquet is not what was written.";
  expect(answer.json).toEqual({ status: "error", code: "TAPE_DAMAGED", message });
  expect(await fetched({ range: "bytes=0-99" }, "GET", "/tapes/cut/trades.parquet")).toMatchObject({ status: 206 });
});

describe("[A121] a range", () => {
  test("is answered with its bytes, and only those", async () => {
    const whole = await stored("book.parquet");
    const { length } = whole;
    const ranges: readonly (readonly [asked: string, first: number, last: number])[] = [
      ["bytes=0-0", 0, 0],
      ["bytes=100-199", 100, 199],
      ["bytes=100-", 100, length - 1],
      ["bytes=-8", length - 8, length - 1],
      [`bytes=-${length}`, 0, length - 1],
      [`bytes=-${length + 1}`, 0, length - 1],
      [`bytes=10-${length + 500}`, 10, length - 1],
      ["bytes=10-19,15-29", 10, 29],
    ];
    for (const [range, first, last] of ranges) {
      const { status, headers, bytes } = await fetched({ range });
      expect([range, status]).toEqual([range, 206]);
      expect(bytes.equals(whole.subarray(first, last + 1)), range).toBe(true);
      expect(headers.get("content-range")).toBe(`bytes ${first}-${last}/${length}`);
      expect(headers.get("content-length")).toBe(String(last - first + 1));
    }
  });

  test("without a byte of the file is refused with 416, which says how long the file is", async () => {
    const { length } = await stored("book.parquet");
    for (const range of [`bytes=${length}-`, `bytes=${length + 5}-${length + 9}`, "bytes=-0"]) {
      const { status, headers, bytes } = await fetched({ range });
      expect([range, status]).toEqual([range, 416]);
      expect(headers.get("content-range")).toBe(`bytes */${length}`);
      expect(JSON.parse(String(bytes))).toMatchObject({ code: "RANGE_NOT_SATISFIABLE" });
    }
  });

  test("of several parts, of another unit or without sense is answered with the whole file", async () => {
    const whole = await stored("book.parquet");
    for (const range of ["bytes=0-9,100-109", "rows=0-9", "bytes=a-b", "bytes", "10-20", "bytes=5"]) {
      const { status, bytes } = await fetched({ range });
      expect([range, status, bytes.equals(whole)]).toEqual([range, 200, true]);
    }
  });
});

describe("[A122] the tag of a file", () => {
  test("spares the download to a client that has the file", async () => {
    const tag = (await fetched({}, "HEAD")).headers.get("etag") ?? "";
    expect(tag).toMatch(/^"1-[0-9a-f]+-[0-9a-f]+"$/);
    for (const have of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
      expect(await fetched({ "if-none-match": have })).toMatchObject({ status: 304, bytes: Buffer.alloc(0) });
    }
    expect(await fetched({ "if-none-match": '"other"' })).toMatchObject({ status: 200 });
    expect(await fetched({ "if-none-match": '"other"', range: "bytes=0-9" })).toMatchObject({ status: 206 });
  });

  test("keeps a client from joining parts of two files", async () => {
    const tag = (await fetched({}, "HEAD")).headers.get("etag") ?? "";
    const range = "bytes=0-9";
    expect(await fetched({ range, "if-range": tag })).toMatchObject({ status: 206 });
    for (const other of ['"other"', `W/${tag}`, "Tue, 02 Jan 2024 00:00:00 GMT"]) {
      expect([other, (await fetched({ range, "if-range": other })).status]).toEqual([other, 200]);
    }
    // The same recording again is another version, and so another file.
    await importSmallRecording(new FolderTapeStore(folder), "twice");
    const first = (await fetched({}, "HEAD", "/tapes/twice/book.parquet")).headers.get("etag") ?? "";
    await importSmallRecording(new FolderTapeStore(folder), "twice");
    const second = (await fetched({}, "HEAD", "/tapes/twice/book.parquet")).headers.get("etag");
    expect(second).not.toBe(first);
    expect(await fetched({ range, "if-range": first }, "GET", "/tapes/twice/book.parquet")).toMatchObject({
      status: 200,
    });
    expect((await fetched({}, "HEAD", "/tapes/twice@1/book.parquet")).headers.get("etag")).toBe(first);
  });
});

async function bookAt(query: string) {
  return fullBook.parse((await api.ask("GET", `/tapes/small/book${query}`)).json);
}

/** The book of the recording as frame `seq` shows it: prices and sizes of each side, best first. */
function expected(seq: number): { bids: [string, string][]; asks: [string, string][] } {
  const side = (which: "bid" | "ask") =>
    Array.from({ length: levels }, (_, nth): [string, string] => [
      nth < updates ? changeOf(nth)[which] : (100 + (which === "bid" ? -1 : 1) * (nth + 1) * 0.05).toFixed(2),
      nth <= seq ? changeOf(nth).size : "1.000",
    ]);
  return { bids: side("bid"), asks: side("ask") };
}

describe("[A124] the whole book of a tape", () => {
  test("at a frame or a time is the source's, to the last decimal", async () => {
    const known = { known_low: "97.50", known_high: "102.50", limits_known: true };
    for (const seq of [0, 1, 20, updates - 1]) {
      const book = await bookAt(`?seq=${seq}&depth=1000`);
      expect(book).toEqual({
        ...{ tape: "small@1", symbol: "BTCUSDT", source: "BINANCE-FUTURES", seq, ts: book.ts, n: book.n },
        ...{ ...expected(seq), bid_levels: levels, ask_levels: levels, ...known },
      });
      expect(await bookAt(`?ts=${book.ts}&depth=1000`)).toEqual(book);
    }
    const [earlier, later] = [await bookAt("?seq=20"), await bookAt("?seq=21")];
    const between = new Date((Date.parse(earlier.ts) + Date.parse(later.ts)) / 2).toISOString();
    expect(await bookAt(`?ts=${between}`)).toEqual({ ...earlier, ts: between });
  });

  test("has 20 levels of each side unless asked for more or less", async () => {
    const best = expected(20);
    for (const [depth, count] of [
      ["", 20],
      ["&depth=1", 1],
      ["&depth=49", 49],
      ["&depth=5000", levels],
    ] as const) {
      const { bids, asks, bid_levels, ask_levels } = await bookAt(`?seq=20${depth}`);
      expect({ bids, asks }).toEqual({ bids: best.bids.slice(0, count), asks: best.asks.slice(0, count) });
      expect([bid_levels, ask_levels]).toEqual([levels, levels]);
    }
  });

  test.each([
    ["", 422, "seq: exactly one of seq and ts is required"],
    ["?seq=1&ts=2024-01-02T00:00:01.000Z", 422, "seq: exactly one of seq and ts is required"],
    ["?seq=100000", 422, "seq: must be from 0 to "],
    ["?seq=-1", 422, "seq: must be at least 0"],
    ["?seq=1.5", 400, "seq: "],
    ["?seq=x", 400, "seq: must be a plain decimal number"],
    ["?ts=yesterday", 422, "ts: must be an ISO 8601 time in UTC"],
    ["?ts=2020-01-01T00:00:00Z", 422, "ts: must be from 2024-01-02T00:00:00"],
    ["?ts=2030-01-01T00:00:00Z", 422, "ts: must be from 2024-01-02T00:00:00"],
    ["?seq=1&depth=0", 422, "depth: must be at least 1"],
  ])("asked for with %s is refused, and the message names the rule", async (query, status, message) => {
    const answer = await api.ask("GET", `/tapes/small/book${query}`);
    expect(answer.json).toMatchObject({ message: expect.stringContaining(message) });
    expect(answer.status).toBe(status);
  });
});

describe("[A125] the whole book at a session's playhead", () => {
  test("is that of the tape at the frame that the session shows", async () => {
    await api.ask("POST", "/sessions/create", { body: { session_id: "deep", tape: "small" } });
    for (const seq of [0, 17, updates - 1]) {
      await api.ask("POST", "/replay/deep/seek", { body: { seq } });
      const book = fullBook.parse((await api.ask("GET", "/sessions/deep/book?depth=100")).json);
      expect(book).toEqual(await bookAt(`?seq=${seq}&depth=100`));
    }
    expect((await api.ask("GET", "/sessions/deep/book?depth=0")).json).toMatchObject({ code: "INVALID_VALUE" });
  });

  test("is refused as the session is, and where its tape has no event track", async () => {
    expect((await api.ask("GET", "/sessions/nobody/book")).json).toMatchObject({ code: "SESSION_NOT_FOUND" });
    expect((await api.ask("GET", "/sessions/global/book")).json).toEqual({});
    const created = await api.ask("POST", "/sessions/create", { body: { tape: "without" } });
    const { session_id } = Object(JSON.parse(created.text));
    expect((await api.ask("GET", `/sessions/${session_id}/book`)).json).toMatchObject({ code: "TRACK_NOT_FOUND" });
  });
});

test("[A120] [A125] with users, event tracks and books are for those who may read tapes and view sessions", async () => {
  const secret = "a secret of at least thirty-two bytes";
  const as = async (sub: string, role = "controller") => {
    const token = new SignJWT({ role }).setProtectedHeader({ alg: "HS256" }).setSubject(sub).setExpirationTime("1m");
    return { authorization: `Bearer ${await token.sign(new TextEncoder().encode(secret))}` };
  };
  const tapes = new MemoryTapeStore();
  await importSmallRecording(tapes);
  const guarded = await startTestApi({ redisUrl: inject("redisUrl"), tapes, access: { AUTH_JWT_SECRET: secret } });
  try {
    const statusOf = async (at: string, headers?: Record<string, string>) =>
      (await guarded.ask("GET", at, { ...(headers && { headers }) })).status;
    const body = { session_id: "adas", tape: "small" };
    await guarded.ask("POST", "/sessions/create", { body, headers: await as("ada") });
    for (const at of ["/tapes/small/trades.parquet", "/tapes/small/book?seq=0", "/sessions/adas/book"]) {
      expect([at, await statusOf(at)]).toEqual([at, 401]);
      expect([at, await statusOf(at, await as("ada"))]).toEqual([at, 200]);
    }
    const ofAda = ["/book", "/book/changes?from_seq=0&to_seq=1", "/events?from_seq=0&to_seq=1"];
    for (const at of ofAda) {
      expect([at, await statusOf(`/sessions/adas${at}`, await as("ada"))]).toEqual([at, 200]);
      expect([at, await statusOf(`/sessions/adas${at}`, await as("bob"))]).toEqual([at, 404]);
    }
    expect(await statusOf("/tapes/small/trades.parquet", await as("bob"))).toBe(200);
  } finally {
    await guarded.stop();
  }
});
