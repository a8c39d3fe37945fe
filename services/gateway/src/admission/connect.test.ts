import { legacyHistoryMessage, serverMessage } from "@tapedeck/protocol";
import { legacyFingerprint, sessionsOfEntries } from "@tapedeck/runtime";
import { afterAll, expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import { Client, expectNoGap } from "../testing/test-client.js";
import { openGatewayFixture } from "../testing/test-cluster.js";

const fixture = await openGatewayFixture(inject("redisUrl"), { frames: 3000 });
afterAll(() => fixture.stop());

test("[G10] a v1 socket gets session, history, then frames, all valid by the protocol's schemas", async () => {
  const record = await fixture.pausedSession(150);
  const client = await fixture.gateway.client(`/ws?session_id=${record.id}`);
  await client.untilType("history");
  await fixture.cluster.publish(record, 150, 151);
  await client.untilSeq(151);
  expect(client.types).toEqual(["session", "history", "snapshot"]);
  for (const { text } of client.messages) serverMessage.parse(JSON.parse(text));
  expect(client.of("session")[0]).toMatchObject({
    session: { session_id: record.id, state: "PAUSED", controller_state: { cursor_seq: 150 }, buffer_size: 100 },
    limits: { historyFrames: 100 },
  });
  expect(client.of("history")[0]).toMatchObject({ epoch: record.epoch, complete: true, session_id: record.id });
});

test("[G10] a legacy socket gets history, then frames", async () => {
  const record = await fixture.pausedSession(150);
  const client = await fixture.gateway.client(`/ws/${record.id}`, { legacy: true });
  await client.untilType("history");
  await fixture.cluster.publish(record, 150, 151);
  await client.untilSeq(151);
  expect(client.types).toEqual(["history", "snapshot"]);
  legacyHistoryMessage.parse(JSON.parse(client.messages[0]?.text ?? ""));
  expect(Object.keys(client.messages[0] ?? {}).sort()).toEqual(["data", "session_id", "text", "type"]);
});

test("[G10] a client that offers only other subprotocols gets none", async () => {
  const record = await fixture.pausedSession(10);
  const socket = new WebSocket(`${fixture.gateway.ws}/ws/${record.id}`, ["graphql-ws", "tapedeck.v2"]);
  const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
  expect(error.message).toMatch(/no subprotocol/i); // a browser continues without one; this library is stricter
});

test("[G12] a history ends at the last published frame and begins at the session's history_from_seq", async () => {
  const id = fixture.newId();
  await fixture.cluster.sessions.open(id, { start: false });
  await fixture.cluster.sessions.perform(id, { type: "seek", to: { seq: 40 } });
  const short = await fixture.gateway.client(`/ws/${id}`);
  await short.untilType("history");
  expect(short.seqs).toEqual(Array.from({ length: 41 }, (_, at) => at));
  await fixture.cluster.redis.hset(fixture.cluster.keys.session(id), { history_from_seq: 30 });
  const gateway = await fixture.cluster.gateway();
  const shorter = await gateway.client(`/ws/${id}`);
  await shorter.untilType("history");
  expect(shorter.seqs).toEqual(Array.from({ length: 11 }, (_, at) => 30 + at));
});

test("[G12] a second socket's history ends at the frame that the first socket has, even if Redis does not know of it yet", async () => {
  const record = await fixture.pausedSession(100);
  const first = await fixture.gateway.client(`/ws/${record.id}`);
  await first.untilType("history");
  await fixture.cluster.publish(record, 100, 130);
  await first.untilSeq(130);
  const second = await fixture.gateway.client(`/ws/${record.id}`);
  await second.untilType("history");
  expect(second.seqs.at(0)).toBe(31);
  expect(second.seqs.at(-1)).toBe(130);
});

test("[G12] a legacy history has at most a million bytes and keeps the newest frames", async () => {
  const tape = await fixture.cluster.tape({ id: "fat", symbol: "FAT", frames: 200, tradesPerFrame: () => 400 });
  const record = await fixture.pausedSession(199, { tape: "fat" });
  expect(record.tape).toBe(tape.id);
  const [legacy, modern] = await Promise.all([
    fixture.gateway.client(`/ws/${record.id}`, { legacy: true }),
    fixture.gateway.client(`/ws/${record.id}`),
  ]);
  await legacy.untilType("history");
  const text = legacy.messages[0]?.text ?? "";
  expect(text.length).toBeLessThanOrEqual(1_000_000);
  expect(text.length).toBeGreaterThan(900_000);
  expect(legacy.seqs.at(-1)).toBe(199);
  expectNoGap(legacy.frames);
  await modern.untilSeq(199); // in several messages of about a megabyte
  expect(modern.seqs).toEqual(Array.from({ length: 100 }, (_, at) => 100 + at));
});

test("[G13] an unknown id creates a playing session, which is in Redis before the upgrade is answered", async () => {
  const id = fixture.newId();
  const client = new Client(`${fixture.gateway.ws}/ws/${id}`, { legacy: true });
  await client.opened;
  const { keys, redis } = fixture.cluster;
  expect(await redis.hmget(keys.session(id), "state", "mode", "max_fps")).toEqual(["PLAYING", "REPLAY", "20"]);
  expect(await redis.ttl(keys.session(id))).toBeGreaterThan(3500);
  await client.untilType("history");
  expect(client.seqs).toEqual([0]);
  client.terminate();
  const modern = await fixture.gateway.client(`/ws/${fixture.newId()}`);
  await modern.untilType("session");
  expect(modern.messages[0]).toMatchObject({ session: { controller_state: { max_fps: 30 }, state: "PLAYING" } });
});

test("[G13] with create=false an unknown id creates no session and is closed with 4404", async () => {
  const id = fixture.newId();
  const missing = await fixture.gateway.client(`/ws/${id}?create=false`);
  await missing.untilClosed();
  expect(missing.closed).toEqual({ code: 4404, reason: "session expired" });
  expect(missing.types).toEqual([]);
  expect(await fixture.cluster.redis.exists(fixture.cluster.keys.session(id))).toBe(0);
  const { id: known } = await fixture.pausedSession(3);
  const found = await fixture.gateway.client(`/ws/${known}?create=false`);
  await found.untilType("history");
});

test("[G13] a client that may create a session gets one, even if another that may not asks for it at the same time", async () => {
  const id = fixture.newId();
  const paths = ["?create=false", "?create=false", "", "?create=false", ""];
  const clients = await Promise.all(paths.map((query) => fixture.gateway.client(`/ws/${id}${query}`)));
  await Promise.all(clients.map((client, nth) => (paths[nth] === "" ? client.untilType("history") : undefined)));
});

test("[G13] sockets that bring the same new id at the same time share one session", async () => {
  const id = fixture.newId();
  const clients = await Promise.all(Array.from({ length: 5 }, () => fixture.gateway.client(`/ws/${id}`)));
  await Promise.all(clients.map((client) => client.untilType("session")));
  const epochs = clients.map((client) => JSON.stringify(client.messages[0]?.session).match(/"epoch":(\d+)/)?.[1]);
  expect(new Set(epochs).size).toBe(1);
});

test("[G14] a socket without an id watches global, which is created if it is missing and started if it is stopped", async () => {
  const { sessions, store } = fixture.cluster;
  const client = await fixture.gateway.client("/ws");
  await client.untilType("session");
  // It has the frame cap of the old pages, although a v1 client created it.
  expect(client.messages[0]).toMatchObject({
    session: { session_id: "global", state: "PLAYING", controller_state: { max_fps: 20 } },
  });
  await sessions.perform("global", { type: "stop" });
  await client.until(() => client.of("state").length === 1);
  await fixture.gateway.client("/ws", { legacy: true });
  expect((await store.read("global"))?.record.state).toBe("PLAYING");
});

test("[G14] any other stopped session stays stopped", async () => {
  const id = fixture.newId();
  await fixture.cluster.sessions.open(id);
  const client = await fixture.gateway.client(`/ws/${id}`);
  await client.untilType("history");
  expect(client.messages[0]).toMatchObject({ session: { state: "STOPPED", reason: "start" } });
});

test("[G15] a parked session plays on when a socket connects, and at once if it was parked while a socket was open", async () => {
  const { sessions, store } = fixture.cluster;
  const id = fixture.newId();
  await sessions.open(id, { start: true });
  const park = async () => {
    await sessions.perform(id, { type: "claim", node: "t1" });
    await sessions.perform(id, { type: "park", node: "t1" });
  };
  await park();
  expect((await store.read(id))?.record.parked).toBe(true);
  const client = await fixture.gateway.client(`/ws/${id}`);
  await client.until(() => client.of("state").some(({ cause }) => cause === "unparked") || client.types.length > 1);
  await expect.poll(async () => (await store.read(id))?.record.parked).toBe(false);
  await park();
  await client.until(() => client.of("state").some(({ cause }) => cause === "parked"));
  await expect.poll(async () => (await store.read(id))?.record.parked).toBe(false);
});

test("[G16] [LV26] a session without a tape says why", async () => {
  const id = fixture.newId();
  const client = await fixture.gateway.client(`/ws/${id}`);
  await client.untilType("history");
  await fixture.cluster.sessions.perform(id, { type: "mode", mode: "LIVE" });
  await client.untilType("feed");
  expect(client.of("feed")[0]).toMatchObject({ status: "connecting", reason: expect.any(String) });
  const later = await fixture.gateway.client(`/ws/${id}`);
  await later.untilType("feed");
  expect(later.types).toEqual(["session", "history", "feed"]);
  expect(later.of("history")[0]?.data).toEqual([]);
  const legacy = await fixture.gateway.client(`/ws/${id}`, { legacy: true });
  await legacy.untilType("history");
  await fixture.cluster.sessions.perform(id, { type: "mode", mode: "REPLAY" });
  await legacy.untilType("snapshot");
  expect(legacy.types).toEqual(["history", "snapshot"]);
});

test("[G17] a legacy socket with an id sets the cookie and is noted while it is open", async () => {
  const id = fixture.newId();
  const headers = { "User-Agent": "an old page", Origin: "http://localhost:5173" };
  const client = await fixture.gateway.client(`/ws/${id}`, { legacy: true, headers });
  expect(client.setCookie).toBe(`tapedeck_session=${id}; Path=/; HttpOnly; SameSite=Lax`);
  const { keys, redis } = fixture.cluster;
  const key = keys.legacy(legacyFingerprint("127.0.0.1", headers["User-Agent"], headers.Origin));
  await expect.poll(async () => sessionsOfEntries(await redis.zrange(key, "0", "-1"))).toEqual([id]);
  expect(Number((await redis.zrange(key, "0", "-1", "WITHSCORES"))[1])).toBeGreaterThan(Date.now());
  await client.close();
  // Its page opens another one within seconds and means the same session meanwhile.
  await expect.poll(() => redis.zrangebyscore(key, Date.now() + 10_500, "+inf")).toEqual([]);
  expect(sessionsOfEntries(await redis.zrange(key, "0", "-1"))).toEqual([id]);
  const modern = await fixture.gateway.client(`/ws/${id}`);
  expect(modern.setCookie).toBeUndefined();
});

test("[G17] a legacy socket without an id is noted on global, without a cookie; one of model-test-* has neither", async () => {
  const headers = { "User-Agent": "a first page", Origin: "http://localhost:5173" };
  const { keys, redis } = fixture.cluster;
  const key = keys.legacy(legacyFingerprint("127.0.0.1", headers["User-Agent"], headers.Origin));
  const [models, shared] = await Promise.all(
    [`/ws/model-test-${fixture.newId()}`, "/ws"].map((path) => fixture.gateway.client(path, { legacy: true, headers })),
  );
  expect([models?.setCookie, shared?.setCookie]).toEqual([undefined, undefined]);
  await expect.poll(async () => sessionsOfEntries(await redis.zrange(key, "0", "-1"))).toEqual(["global"]);
});

test("[G90] when a page's socket closes, its socket on another node stays noted", async () => {
  const id = fixture.newId();
  const headers = { "User-Agent": "two tabs", Origin: "http://localhost:5173" };
  const key = fixture.cluster.keys.legacy(legacyFingerprint("127.0.0.1", headers["User-Agent"], headers.Origin));
  const noted = () => fixture.cluster.redis.zrangebyscore(key, Date.now() + 10_500, "+inf");
  const first = await fixture.gateway.client(`/ws/${id}`, { legacy: true, headers });
  const second = await (await fixture.cluster.gateway()).client(`/ws/${id}`, { legacy: true, headers });
  await expect.poll(noted).toHaveLength(2);
  await first.close();
  await expect.poll(noted).toHaveLength(1);
  expect(sessionsOfEntries(await noted())).toEqual([id]);
  await second.close();
  await expect.poll(noted).toEqual([]);
});

test("[G18] sockets on two nodes see the same frames", async () => {
  const record = await fixture.pausedSession(100);
  const other = await fixture.cluster.gateway();
  const clients = await Promise.all([fixture.gateway, other].map((gateway) => gateway.client(`/ws/${record.id}`)));
  await Promise.all(clients.map((client) => client.untilType("history")));
  await fixture.cluster.publish(record, 100, 101);
  await fixture.cluster.publish(record, 101, 105);
  await fixture.cluster.sessions.perform(record.id, { type: "step", by: { frames: 10 } });
  await Promise.all(clients.map((client) => client.untilSeq(110)));
  expect(clients[0]?.frames).toEqual(clients[1]?.frames);
});

test("[G70] open sockets are counted by node, from the first one until the last has closed", async () => {
  const { store, redis, keys } = fixture.cluster;
  const id = fixture.newId();
  const first = await fixture.gateway.client(`/ws/${id}`);
  await expect.poll(async () => [...(await store.viewers(id)).values()]).toEqual([1]);
  const second = await fixture.gateway.client(`/ws/${id}`);
  await expect.poll(async () => [...(await store.viewers(id)).values()], { timeout: 5000 }).toEqual([2]);
  await redis.expire(keys.session(id), 100);
  await first.close();
  await second.close();
  await expect.poll(async () => [...(await store.viewers(id)).values()]).toEqual([]);
  expect(await redis.ttl(keys.session(id))).toBeGreaterThan(3500);
});

test("[G70] a session with an open socket outlives its TTL", async () => {
  const gateway = await fixture.cluster.gateway({ SESSION_TTL_S: "2" });
  const id = fixture.newId();
  const client = await gateway.client(`/ws/${id}`);
  await client.untilType("session");
  const { redis, keys } = fixture.cluster;
  await expect.poll(() => redis.pttl(keys.session(id)), { timeout: 5000, interval: 20 }).toBeLessThan(1300);
  await expect.poll(() => redis.pttl(keys.session(id)), { timeout: 5000, interval: 20 }).toBeGreaterThan(1500);
  expect(client.closed).toBeUndefined();
});
