import { createAccess } from "@tapedeck/access";
import { createLogger } from "@tapedeck/runtime";
import { SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { readGatewayConfig } from "../config.js";
import { startWsServer } from "../server/ws-server.js";
import { startTestCluster, type TestCluster, type TestGateway } from "../testing/test-cluster.js";

const secret = "a secret of at least thirty-two bytes";
const env = {
  AUTH_JWT_SECRET: secret,
  SHARE_SECRET: `another ${secret}`,
  AUDIT_STREAM: "5000",
  TRUSTED_PROXIES: "127.0.0.1",
  LIMIT_SOCKET_MESSAGES: "100/60",
};
let cluster: TestCluster;
let gateway: TestGateway;

beforeAll(async () => {
  cluster = await startTestCluster(inject("redisUrl"));
  await cluster.tape({ frames: 200 });
  gateway = await cluster.gateway(env);
});
afterAll(() => cluster.stop());
beforeEach(() => cluster.redis.del(cluster.keys.audit));

async function token(user: string, { role = "controller", seconds = 60 } = {}): Promise<string> {
  const unsigned = new SignJWT({ role }).setProtectedHeader({ alg: "HS256" }).setSubject(user);
  return unsigned.setExpirationTime(Math.floor(Date.now() / 1000) + seconds).sign(new TextEncoder().encode(secret));
}

const forwarded = { "x-forwarded-for": "6.6.6.6, 198.51.100.1", "x-request-id": "r-1" };
const bearing = async (user: string, path: string, role?: string) =>
  gateway.client(path, {
    headers: { ...forwarded, authorization: `Bearer ${await token(user, role === undefined ? {} : { role })}` },
  });

/** Waits for this many new entries of the audit trail. */
async function trail(count: number): Promise<Record<string, string | undefined>[]> {
  const entries = () => cluster.redis.xrange(cluster.keys.audit, "-", "+");
  await expect.poll(async () => (await entries()).length).toBeGreaterThanOrEqual(count);
  const found = await entries();
  await cluster.redis.del(cluster.keys.audit);
  expect(found).toHaveLength(count);
  return found.map(([, flat]) => {
    const pairs = Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at] ?? "", flat[2 * at + 1]] as const);
    const { service: _, node: __, ...fields } = Object.fromEntries(pairs);
    return fields;
  });
}

const from = { address: "198.51.100.1" };

describe("with authentication on", () => {
  test("[AC33] a command has one entry, with the same fields as a command by HTTP", async () => {
    const client = await bearing("ada", "/ws/s1");
    await client.untilType("history");
    const entry = { ...from, user: "ada", role: "controller", session: "s1" };
    client.send({ type: "command", id: "c-1", command: "pause" });
    client.send({ type: "command", id: 2, command: "seek", seq: -1 });
    client.send({ type: "command", id: "c-3", command: "live" });
    client.send({ type: "command", id: "c-4", command: "order", side: "BUY" });
    client.send({ type: "command", id: "not\nan id", command: "no such command" });
    client.send({ type: "ORDER", side: "SELL" });
    client.send("{");
    client.send({ type: "ping" });
    await client.untilType("pong");
    expect(await trail(6)).toEqual([
      { ...entry, event: "command", action: "pause", result: "ok", request_id: "c-1" },
      { ...entry, event: "command", action: "unknown", result: "INVALID_VALUE", request_id: "2" },
      { ...entry, event: "command", action: "live", result: "NOT_LIVE", request_id: "c-3" },
      { ...entry, event: "order", action: "order", result: "NOT_SIMULATION", request_id: "c-4" },
      { ...entry, event: "command", action: "unknown", result: "MALFORMED" },
      { ...entry, event: "order", action: "order", result: "NOT_SIMULATION" },
    ]);
    await client.close();
  });

  test("[AC33] each rejected socket has one entry, however its token came", async () => {
    await (await bearing("ada", "/ws/s1")).untilType("history");
    const refused = (result: string, reason: string) => ({
      ...from,
      session: "s1",
      request_id: "r-1",
      event: "refusal",
      action: "watch",
      result,
      reason,
    });
    const badToken = { ...forwarded, authorization: "Bearer ey.not.one" };
    for (const legacy of [false, true])
      await (await gateway.client("/ws/s1", { legacy, headers: badToken })).untilClosed();
    await (await gateway.client("/ws/s1", { legacy: true, headers: forwarded })).untilClosed();
    const malformed = refused("UNAUTHORIZED", "Invalid token: it is malformed.");
    const missing = refused("UNAUTHORIZED", "token missing or no longer good");
    expect(await trail(3)).toEqual([malformed, malformed, missing]);

    const flooding = await gateway.client("/ws/s1", { headers: forwarded });
    for (let n = 0; n < 200; n++) flooding.send({ type: "ping" });
    await flooding.untilClosed();
    const late = await gateway.client("/ws/s1", { headers: forwarded });
    late.send({ type: "auth", token: await token("ada", { seconds: -60 }) });
    await late.untilClosed();
    expect(await trail(2)).toEqual([missing, refused("UNAUTHORIZED", "Invalid token: it has expired.")]);

    await (await bearing("ben", "/ws/s1")).untilClosed();
    const cookie = `tapedeck_token=${await token("ada")}`;
    const headers = { ...forwarded, cookie, origin: "https://evil.example" };
    await (await gateway.client("/ws/s1", { legacy: true, headers })).untilClosed();
    expect(await trail(2)).toEqual([
      { ...refused("FORBIDDEN", "not this session's owner"), user: "ben", role: "controller" },
      refused("ORIGIN_NOT_ALLOWED", expect.stringMatching(/^Origin "https:\/\/evil\.example" is not allowed/)),
    ]);
  });

  test("[AC33] an expired token and refused fresh tokens have entries", async () => {
    const client = await gateway.client("/ws/s1", { headers: forwarded });
    client.send({ type: "auth", token: await token("ada", { seconds: 2 }) });
    await client.untilType("session");
    client.send({ type: "auth", token: await token("ben") });
    client.send({ type: "auth", token: "ey.not.one" });
    await client.untilClosed();
    const entry = { ...from, user: "ada", role: "controller", session: "s1", event: "refusal" };
    const fields = (await trail(3)).sort((one, two) => String(one.reason).localeCompare(String(two.reason)));
    expect(fields).toEqual([
      { ...entry, action: "auth", result: "UNAUTHORIZED", reason: "Invalid token: it is malformed." },
      { ...entry, action: "watch", result: "UNAUTHORIZED", reason: "the token has expired", request_id: "r-1" },
      {
        ...entry,
        action: "auth",
        result: "FORBIDDEN",
        reason: "This token belongs to another user or share link than the one that opened the socket.",
      },
    ]);
  });

  test("[AC33] entries of a share link's holder have the link's id, also when the link is revoked", async () => {
    const log = createLogger({ service: "test", node: "test", level: "silent" });
    const { shares } = createAccess("test", readGatewayConfig(env), { redis: cluster.redis, keys: cluster.keys, log });
    const session = (await cluster.store.read("s1"))?.record;
    if (session === undefined || shares === undefined) throw new Error("nothing to share");
    const link = await shares.create(session, "ada", { role: "viewer", seconds: 60 });
    const holder = await gateway.client("/ws/s1", {
      headers: { ...forwarded, authorization: `Bearer ${link.token}` },
    });
    await holder.untilType("session");
    expect(await holder.command("pause")).toMatchObject({ code: "FORBIDDEN" });
    const entry = { ...from, role: "viewer", share: link.id, session: "s1", event: "refusal" };
    expect(await trail(1)).toMatchObject([{ ...entry, action: "pause", result: "FORBIDDEN" }]);
    await shares.revoke("s1", link.id);
    await holder.untilClosed();
    const [closed] = await trail(1);
    expect(closed).toMatchObject({ ...entry, action: "watch", reason: "the share link has been revoked" });
    expect(JSON.stringify(closed)).not.toContain(link.token);
  });

  test("[AC36] a flooding socket has one entry for each command within its limit and one for its close", async () => {
    const client = await bearing("ada", "/ws/s1");
    await client.untilType("session");
    for (let n = 0; n < 1_000; n++) client.send({ type: "command", id: n, command: "live" });
    await client.untilClosed();
    expect(client.closed?.code).toBe(4429);
    const last = async () => JSON.stringify(await cluster.redis.xrevrange(cluster.keys.audit, "+", "-"));
    await expect.poll(last).toContain("at most 100 messages in 60 s");
    const entries = await cluster.redis.xlen(cluster.keys.audit);
    expect(entries).toBeLessThanOrEqual(101);
    const closes = (await trail(entries)).filter(({ event }) => event === "limit");
    expect(closes).toEqual([
      {
        ...from,
        user: "ada",
        role: "controller",
        session: "s1",
        request_id: "r-1",
        event: "limit",
        action: "watch",
        result: "TOO_MANY_REQUESTS",
        reason: "at most 100 messages in 60 s",
      },
    ]);
  });
});

test("[AC33] with the library ws, a client that sends more after it was rejected has one entry", async () => {
  const plain = await cluster.gateway(env, startWsServer);
  const client = await plain.client("/ws/s1");
  for (let n = 0; n < 50; n++) client.send({ type: "ping" });
  await client.untilClosed();
  expect(await trail(1)).toMatchObject([{ event: "refusal", result: "UNAUTHORIZED", address: "127.0.0.1" }]);
});

test("[AC33] without authentication, entries of commands have only the address", async () => {
  const open = await cluster.gateway({ AUDIT_STREAM: "100" });
  const client = await open.client("/ws/open", { legacy: true });
  await client.untilType("history");
  client.send({ type: "ORDER", side: "BUY" });
  expect(await trail(1)).toEqual([
    { address: "127.0.0.1", session: "open", event: "order", action: "order", result: "NOT_SIMULATION" },
  ]);
});
