import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { type SessionsOnRedis, sessionsOnRedis } from "../testing/sessions-on-redis.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";
import { countSessionsOnTape } from "./sessions-on-tape.js";

let on: SessionsOnRedis;
beforeEach(() => {
  on = sessionsOnRedis(inject("redisUrl"), { tapes: shelf(steadyTape(100)) });
});
afterEach(() => on.close());

test("[A112] sessions count that are on a tape now, or return to it from another mode; expired ones do not", async () => {
  const { record } = await on.sessions.open("playing", {});
  await on.sessions.open("elsewhere", {});
  await on.sessions.perform("elsewhere", { type: "mode", mode: "SIMULATION" });
  await on.sessions.open("gone", {});
  await on.redis.del(on.keys.session("gone"));
  await on.redis.hset(on.keys.session("playing"), "kept_live", "{broken");
  expect(await countSessionsOnTape(on.store, (tape) => tape === record.tape)).toEqual({ playing: 1, returning: 1 });
  expect(await countSessionsOnTape(on.store, (tape) => tape === "other@1")).toEqual({ playing: 0, returning: 0 });
});

test("[A112] thousands of sessions are counted page by page, also those created at the same time", async () => {
  const pipeline = on.redis.pipeline();
  for (let nth = 0; nth < 1_750; nth++) {
    pipeline.hset(on.keys.session(`s${nth}`), "tape", nth % 7 === 0 ? "btc@2" : "eth@1");
    pipeline.zadd(on.keys.created, Math.floor(nth / 600), `s${nth}`);
  }
  await pipeline.exec();
  expect(await countSessionsOnTape(on.store, (tape) => tape.startsWith("btc@"))).toEqual({
    playing: 250,
    returning: 0,
  });
});
