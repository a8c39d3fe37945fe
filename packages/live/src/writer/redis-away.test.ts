import { RefusedError } from "@tapedeck/protocol";
import { parseTapeName } from "@tapedeck/tape";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RestartableRedis } from "../../../../test/support/redis-server.js";
import { finishTape } from "../segments/finish-tape.js";
import { appendAll, evict, Rig, recorded, someFrames, source, startNs, symbol, textsOf } from "../testing/rig.js";

let server: RestartableRedis;
let rig: Rig;
beforeEach(async () => {
  server = new RestartableRedis();
  await server.start();
  rig = new Rig(server.url);
});
afterEach(async () => {
  await rig.close();
  await server.stop();
});

const unavailable = (error: unknown) => error instanceof RefusedError && error.code === "UNAVAILABLE";

test("[LT6] [LT10] [LT20] when Redis comes back empty, all frames are there, on two tapes, and listeners continue", async () => {
  const writer = await rig.claim({ settings: { segmentSeconds: 6 } });
  await appendAll(writer, someFrames(0, 200));
  const reader = rig.process();
  const listener = reader.follow();
  await listener.until(({ states }) => states.at(-1)?.tape === writer.tape);
  const tape = (await reader.live.open(writer.tape)) ?? expect.fail();
  await appendAll(writer, someFrames(200, 250));
  await listener.until(({ seqs }) => seqs.at(-1) === 249);
  const expected = await textsOf(tape);

  await server.stop();
  const [lost] = someFrames(250, 251);
  await expect(writer.append(lost ?? expect.fail(), startNs)).rejects.toThrow();
  await expect(reader.live.status(source, symbol, { fresh: true })).rejects.toSatisfy(unavailable);
  expect(await textsOf(tape)).toEqual(expected); // the frames in memory can be played
  await server.start();

  await expect.poll(async () => rig.redis.status).toBe("ready");
  expect(await writer.append(lost ?? expect.fail(), startNs)).toBe("lost");
  await listener.until(({ states }) => states.at(-1)?.tape === "");
  const next = await rig.claim({ settings: { segmentSeconds: 6 } });
  await appendAll(next, someFrames(0, 1));
  await listener.until(({ states }) => states.at(-1)?.tape === next.tape);
  await appendAll(next, someFrames(1, 20));
  await listener.until(({ seqs }) => seqs.at(-1) === 19);
  expect(await textsOf((await reader.live.open(next.tape)) ?? expect.fail())).toEqual(expected.slice(0, 20));

  evict(reader.cache);
  expect(await textsOf(tape)).toEqual(expected);
  expect(await finishTape(rig.store, writer.tape)).toBe(true);
  expect(await textsOf(await recorded(rig.store, parseTapeName(writer.tape).id))).toEqual(expected);
  expect(await textsOf(tape)).toEqual(expected);
});

test("[LT41] while Redis is away a finished tape can be opened, and a growing one cannot", async () => {
  const writer = await rig.claim();
  await appendAll(writer, someFrames(0, 20));
  const { tape } = writer;
  await writer.finish();
  const growing = await rig.claim();
  await appendAll(growing, someFrames(0, 20));
  await server.stop();
  const reader = rig.process();
  expect((await reader.tapes.open(tape)).span).toMatchObject({ lastSeq: 19, growing: false });
  await expect(reader.tapes.open(growing.tape)).rejects.toSatisfy(unavailable);
  await server.start();
});
