import { subscribe, unsubscribe } from "@tapedeck/runtime";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { RestartableRedis } from "../../../../test/support/redis-server.js";
import { type Client, expectNoGap } from "../testing/test-client.js";
import { type GatewayFixture, openGatewayFixture } from "../testing/test-cluster.js";

const server = new RestartableRedis();
let fixture: GatewayFixture;
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(async () => {
  fixture = await openGatewayFixture(server.url);
});
afterEach(() => fixture.stop());

/** The speed in each `state` that a client has got. */
const speeds = (client: Client) =>
  client.of("state").map(({ session }) => z.object({ speed: z.number() }).parse(session).speed);

/** Cuts the gateway off from what is published, as a failover does; it reconnects by itself. */
const cutOff = () => fixture.cluster.redis.client("KILL", "TYPE", "PUBSUB");

/** A session whose client has seen a change of its speed, and its hash before that. */
async function changedSession() {
  const { id } = await fixture.pausedSession(10);
  const { redis, keys, sessions } = fixture.cluster;
  const key = keys.session(id);
  const before = await redis.hgetall(key);
  const client = await fixture.gateway.client(`/ws/${id}`);
  await client.untilType("history");
  const { record: lost } = await sessions.perform(id, { type: "speed", value: 4 });
  await client.until(() => speeds(client).includes(4));
  return { key, before, client, lost };
}

test("[G60] [G61] sockets stay open while Redis is away; afterwards sessions that are gone close with 4404", async () => {
  const record = await fixture.pausedSession(10);
  const client = await fixture.gateway.client(`/ws/${record.id}`);
  await client.untilType("history");
  await server.stop();
  expect(await client.command("start")).toMatchObject({ type: "error", code: "UNAVAILABLE" });
  await expect(fixture.gateway.client(`/ws/${fixture.newId()}`)).rejects.toThrow("HTTP 503");
  expect(fixture.gateway.health.ready()).toBe(true);
  await expect.poll(() => fixture.gateway.health.snapshot().status, { timeout: 5000 }).toBe("degraded");
  client.send({ type: "ping" });
  await client.untilType("pong");
  expect(client.closed).toBeUndefined();
  await server.start();
  await client.untilClosed();
  expect(client.closed?.code).toBe(4404);
  await expect.poll(() => fixture.gateway.health.snapshot().status, { timeout: 5000 }).toBe("healthy");
  const again = await fixture.gateway.client(`/ws/${record.id}`);
  await again.untilType("history");
});

test("[G54] [G60] a client that returns while Redis is away gets a socket, which closes with 1012", async () => {
  const record = await fixture.pausedSession(10);
  await server.stop();
  const client = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=4`);
  await client.untilClosed();
  expect(client.closed?.code).toBe(1012);
  expect(client.messages).toEqual([]);
  await server.start();
});

test("[G54] what a returning client sends before it is admitted is answered after its session", async () => {
  const record = await fixture.pausedSession(10);
  const client = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=4`);
  client.send({ type: "ping" });
  await client.untilType("pong");
  expect(client.messages.map(({ type }) => type).slice(0, 2)).toEqual(["session", "history"]);
});

test("[G61] frames that were published while the gateway was cut off come from the tape", async () => {
  const record = await fixture.pausedSession(10);
  const client = await fixture.gateway.client(`/ws/${record.id}`);
  await client.untilType("history");
  await cutOff();
  while ((await fixture.cluster.publish(record, 10, 14)) > 0); // until no subscriber is left
  await fixture.cluster.redis.hset(fixture.cluster.keys.session(record.id), { published_seq: 14 }); // the ticker's checkpoint
  await client.untilSeq(14);
  expectNoGap(client.frames);
  await fixture.cluster.publish(record, 14, 15);
  await client.untilSeq(15);
});

test("[G61] clients get a change that was made meanwhile", async () => {
  const record = await fixture.pausedSession(10);
  const client = await fixture.gateway.client(`/ws/${record.id}`);
  await client.untilType("history");
  await cutOff();
  await fixture.cluster.sessions.perform(record.id, { type: "seek", to: { seq: 700 } });
  await client.untilSeq(700);
  expect(client.types.slice(-2)).toEqual(["state", "snapshot"]);
});

test("[G61] a session whose change Redis has lost continues in a new epoch", async () => {
  const record = await fixture.pausedSession(10);
  const { redis, keys, sessions } = fixture.cluster;
  const before = await redis.dump(keys.session(record.id)).then(() => redis.hgetall(keys.session(record.id)));
  const client = await fixture.gateway.client(`/ws/${record.id}`);
  await client.untilType("history");
  const { record: lost } = await sessions.perform(record.id, { type: "seek", to: { seq: 400 } });
  await client.untilSeq(400);
  // A replica that lacks the seek takes over.
  await redis.del(keys.session(record.id));
  await redis.hset(keys.session(record.id), before);
  await cutOff();
  await client.until(() => client.of("state").some(({ cause }) => cause === "recover"));
  await client.untilSeq(10);
  expect(client.last?.epoch).toBeGreaterThan(lost.epoch);
});

test("[G61] a node that was cut off while another one noticed that Redis lost a change tells why, too", async () => {
  const { key, before, client, lost } = await changedSession();
  // What the other node published never reached this gateway.
  const epoch = lost.epoch + 1;
  await fixture.cluster.redis.hset(key, { ...before, epoch, recovered_epoch: epoch, rev: lost.rev + 1 });
  await cutOff();
  await client.until(() => speeds(client).at(-1) === 1);
  expect(client.of("state").at(-1)).toMatchObject({ cause: "recover" });
});

test("[G61] a session whose change Redis has lost continues in a new epoch, also if another change has its revision by then", async () => {
  const { key, before, client, lost } = await changedSession();
  const changes = client.of("state").length;
  await fixture.cluster.redis.hset(key, before);
  const { record: other } = await fixture.cluster.sessions.perform(lost.id, { type: "speed", value: 2 });
  expect([other.epoch, other.rev]).toEqual([lost.epoch, lost.rev]);
  await cutOff();
  await client.until(() => client.of("state").some(({ cause }) => cause === "recover"));
  expect(speeds(client).slice(changes)).toEqual([2]);
});

test("[G62] a node that receives nothing back through Redis is not ready", async () => {
  const { subscriber, health } = fixture.gateway;
  await expect.poll(() => health.ready()).toBe(true);
  const { keys } = fixture.cluster;
  const [channel = ""] = await fixture.cluster.redis
    .pubsub("CHANNELS", `${keys.probeChannel("*").replace(/[{}]/g, "?")}`)
    .then((names) => names.map(String));
  expect(channel).not.toBe("");
  await unsubscribe(subscriber, channel);
  await expect.poll(() => health.ready(), { timeout: 10_000 }).toBe(false);
  await subscribe(subscriber, channel);
  await expect.poll(() => health.ready(), { timeout: 10_000 }).toBe(true);
});
