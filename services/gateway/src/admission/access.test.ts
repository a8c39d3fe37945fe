import { get } from "node:http";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import type { Client } from "../testing/test-client.js";
import { startTestCluster, type TestCluster, type TestGateway } from "../testing/test-cluster.js";

const secret = "a secret of at least thirty-two bytes";
const SHARE_SECRET = `another ${secret}`;
let cluster: TestCluster;
let gateway: TestGateway;

beforeAll(async () => {
  cluster = await startTestCluster(inject("redisUrl"));
  await cluster.tape({ frames: 200 });
  gateway = await cluster.gateway({ AUTH_JWT_SECRET: secret, SHARE_SECRET });
});
afterAll(() => cluster.stop());

function token(user: string, { role = "controller", seconds = 60 } = {}): Promise<string> {
  return new SignJWT({ role })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user)
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(new TextEncoder().encode(secret));
}

async function bearing(user: string, path: string, role?: string): Promise<Client> {
  return gateway.client(path, { headers: { authorization: `Bearer ${await token(user, role ? { role } : {})}` } });
}

describe("before a token is accepted", () => {
  test("[OB3] a gateway shows no metrics, whatever headers a request has", async () => {
    const status = (path: string, headers: Record<string, string>) =>
      new Promise((resolve, reject) => {
        get(`${gateway.url}${path}`, { headers }, (answer) => resolve(answer.resume().statusCode)).once(
          "error",
          reject,
        );
      });
    const authorization = `Bearer ${await token("eve", { role: "admin" })}`;
    const attempts: Record<string, string>[] = [{}, { upgrade: "websocket" }, { authorization }];
    for (const headers of attempts) {
      expect(await status("/metrics", headers)).toBe(404);
    }
    expect(await status("/health/live", {})).toBe(200);
  });

  test("[AC7] no session is created and no message sent; a legacy socket is closed at once", async () => {
    const silent = await gateway.client("/ws/not-made");
    const legacy = await gateway.client("/ws/not-made", { legacy: true });
    await legacy.untilClosed();
    expect(legacy.closed?.code).toBe(4401);
    expect(silent.messages).toEqual([]);
    expect(await cluster.store.read("not-made")).toBeUndefined();
    await silent.close();
  });

  test("[AC7] a socket is closed whose first message has no token, or whose client sends nothing for 5 s", async () => {
    const other = await gateway.client("/ws/not-made");
    other.send({ type: "ping" });
    const silent = await gateway.client("/ws/not-made");
    await other.untilClosed();
    expect(other.closed?.code).toBe(4401);
    await silent.untilClosed();
    expect([silent.closed?.code, silent.messages]).toEqual([4401, []]);
    expect(await cluster.store.read("not-made")).toBeUndefined();
  });

  test("[AC3] [AC7] an invalid token closes the socket with 4401 and the reason", async () => {
    for (const [name, value] of [
      ["authorization", "Bearer ey.not.one"],
      ["cookie", "tapedeck_token=ey.not.one"],
    ] as const) {
      const client = await gateway.client("/ws/not-made", { headers: { [name]: value } });
      await client.untilClosed();
      expect(client.closed).toEqual({ code: 4401, reason: "Invalid token: it is malformed." });
    }
    const sent = await gateway.client("/ws/not-made");
    sent.send({ type: "auth", token: await token("ada", { seconds: -60 }) });
    await sent.untilClosed();
    expect(sent.closed).toEqual({ code: 4401, reason: "Invalid token: it has expired." });
  });
});

describe("a token opens a socket", () => {
  test("[AC5] in a header, and the new session belongs to its user", async () => {
    const client = await bearing("ada", "/ws/adas");
    await client.untilType("history");
    expect((await cluster.store.read("adas"))?.record.userId).toBe("ada");
    await client.close();
  });

  test("[AC5] in a subprotocol, as browsers can send it", async () => {
    const socket = new WebSocket(`${gateway.ws}/ws/by-protocol`, [
      "tapedeck.v1",
      `tapedeck.token.${await token("ada")}`,
    ]);
    const first = await new Promise((resolve) => socket.once("message", (data) => resolve(JSON.parse(String(data)))));
    expect(first).toMatchObject({ type: "session", session: { user_id: "ada" } });
    expect(socket.protocol).toBe("tapedeck.v1");
    socket.terminate();
  });

  test("[AC5] in the first message, and messages right after it are not lost", async () => {
    const client = await gateway.client("/ws/by-message");
    client.send({ type: "auth", token: await token("ada") });
    const answer = await client.command("speed", { value: 2 });
    expect(answer).toMatchObject({ type: "ack", session: { user_id: "ada", speed: 2 } });
    expect(client.types[0]).toBe("session");
    await client.close();
  });

  test("[AC5] [AC14] in a cookie that a proxy sets, for a legacy socket, but not from a foreign page", async () => {
    const behindProxy = await cluster.gateway({ AUTH_JWT_SECRET: secret, ALLOWED_HOSTS: "*" });
    const cookie = `tapedeck_token=${await token("ada")}`;
    const legacy = await behindProxy.client("/ws/adas", { legacy: true, headers: { cookie } });
    await legacy.untilType("history");
    await legacy.close();
    const foreign: Record<string, string>[] = [
      { origin: "https://evil.example" },
      { origin: "https://evil.example", authorization: "Basic eDp5" },
      { "sec-fetch-site": "cross-site" },
    ];
    for (const headers of foreign) {
      const client = await behindProxy.client("/ws/adas", { legacy: true, headers: { cookie, ...headers } });
      await client.untilClosed();
      expect([client.closed?.code, client.messages], JSON.stringify(headers)).toEqual([1008, []]);
    }
  });
});

describe("permissions", () => {
  test("[AC8] another user's session is 4403 for users who may create sessions; to others it looks like an unknown one", async () => {
    await (await bearing("ada", "/ws/adas")).close();
    const ben = await bearing("ben", "/ws/adas");
    await ben.untilClosed();
    expect([ben.closed?.code, ben.messages]).toEqual([4403, []]);
    const [foreign, unknown] = [await bearing("vic", "/ws/adas", "viewer"), await bearing("vic", "/ws/none", "viewer")];
    await Promise.all([foreign.untilClosed(), unknown.untilClosed()]);
    expect(foreign.closed?.code).toBe(4404);
    expect([foreign.closed, foreign.messages]).toEqual([unknown.closed, unknown.messages]);
    const admin = await bearing("eve", "/ws/adas", "admin");
    await admin.untilType("session");
    await admin.close();
  });

  test("[AC9] a viewer watches `global`, creates no session, and controls nothing", async () => {
    const missing = await bearing("vic", "/ws/vics", "viewer");
    await missing.untilClosed();
    expect(missing.closed?.code).toBe(4404);
    expect(await cluster.store.read("vics")).toBeUndefined();

    const viewer = await bearing("vic", "/ws", "viewer");
    await viewer.untilType("session");
    const before = (await cluster.store.read("global"))?.record.rev;
    expect(await viewer.command("speed", { value: 5 })).toMatchObject({ type: "error", code: "FORBIDDEN" });
    expect((await cluster.store.read("global"))?.record.rev).toBe(before);
    await viewer.close();
  });

  test("[AC13] the rates of commands, connections and new sessions are limited", async () => {
    const limited = await cluster.gateway({
      LIMIT_COMMANDS: "2/60",
      LIMIT_CONNECTIONS: "2/60",
      LIMIT_CREATIONS: "1/60",
    });
    const first = await limited.client("/ws/limited-1");
    await first.untilType("session");
    const second = await limited.client("/ws/limited-2");
    await second.untilClosed();
    expect(second.closed?.code).toBe(4429);
    expect(await cluster.store.read("limited-2")).toBeUndefined();
    const third = await limited.client("/ws/limited-1");
    await third.untilClosed();
    expect(third.closed).toMatchObject({
      code: 4429,
      reason: expect.stringContaining("At most 2 connections in 60 s"),
    });
    for (let n = 0; n < 2; n++) expect(await first.command("speed", { value: 2 + n })).toMatchObject({ type: "ack" });
    expect(await first.command("speed", { value: 9 })).toMatchObject({ type: "error", code: "TOO_MANY_REQUESTS" });
    await limited.stop();
  });
});

test("[AC19] a user's sockets on a gateway are limited, whatever addresses they come from", async () => {
  const limited = await cluster.gateway({
    AUTH_JWT_SECRET: secret,
    MAX_SOCKETS_PER_USER: "2",
    TRUSTED_PROXIES: "127.0.0.1",
  });
  const watch = async (user: string, address: string) =>
    limited.client("/ws", {
      headers: { authorization: `Bearer ${await token(user)}`, "x-forwarded-for": address },
    });
  const first = await watch("ada", "10.0.0.1");
  await first.untilType("session");
  await (await watch("ada", "10.0.0.2")).untilType("session");
  const third = await watch("ada", "10.0.0.3");
  await third.untilClosed();
  expect(third.closed).toEqual({ code: 4429, reason: "this user has 2 sockets here already" });
  await (await watch("ben", "10.0.0.3")).untilType("session");
  await first.close();
  const again = async () => {
    const client = await watch("ada", "10.0.0.4");
    return Promise.race([client.untilType("session").then(() => "in"), client.untilClosed().then(() => "out")]);
  };
  await expect.poll(again).toBe("in");
  await limited.stop();
});

describe("when a token expires", () => {
  test("[AC10] the client is warned, and its socket closes unless it sends a fresh token of the same user", async () => {
    const sent = async (seconds: number) => {
      const client = await gateway.client("/ws/adas");
      client.send({ type: "auth", token: await token("ada", { seconds }) });
      await client.untilType("session");
      return client;
    };
    const [lapsing, renewed] = await Promise.all([sent(3), sent(3)]);
    await Promise.all([lapsing, renewed].map((client) => client.untilType("expiring")));
    lapsing.send({ type: "auth", token: await token("ben") });
    renewed.send({ type: "auth", token: await token("ada") });
    await lapsing.untilType("error");
    expect(lapsing.of("error")[0]).toMatchObject({ code: "FORBIDDEN" });
    await lapsing.untilClosed();
    expect(lapsing.closed).toEqual({ code: 4401, reason: "the token has expired" });
    expect(await renewed.command("speed", { value: 3 })).toMatchObject({ type: "ack" });
    await renewed.close();
  });

  test("[LP23] who may only view a session cannot hold it back", async () => {
    const owner = await bearing("ada", "/ws/adas-bot?reader=bot");
    await owner.untilType("history");
    const viewers = [await bearing("vera", "/ws?reader=viewer", "viewer"), await bearing("vera", "/ws", "viewer")];
    await viewers[0]?.untilClosed();
    expect(viewers[0]?.closed?.code).toBe(4403);
    await viewers[1]?.untilType("history");
    viewers[1]?.send({ type: "ack_frame", epoch: 1, seq: 0 });
    await viewers[1]?.untilType("error");
    expect(viewers[1]?.of("error")[0]).toMatchObject({ code: "FORBIDDEN" });
    expect(owner.closed).toBeUndefined();
  });

  test("[AC12] a revoked share link's sockets close within seconds, and it opens no more", async () => {
    const { createAccess } = await import("@tapedeck/access");
    const { readGatewayConfig } = await import("../config.js");
    const { createLogger } = await import("@tapedeck/runtime");
    const log = createLogger({ service: "test", node: "test", level: "silent" });
    const config = readGatewayConfig({ AUTH_JWT_SECRET: secret, SHARE_SECRET });
    const { shares } = createAccess("test", config, { redis: cluster.redis, keys: cluster.keys, log });
    await (await bearing("ada", "/ws/adas")).close();
    const session = (await cluster.store.read("adas"))?.record;
    if (session === undefined || shares === undefined) throw new Error("nothing to share");
    const link = await shares.create(session, "ada", { role: "viewer", seconds: 60 });

    const guest = await gateway.client("/ws/adas", { headers: { authorization: `Bearer ${link.token}` } });
    await guest.untilType("session");
    expect(await guest.command("start")).toMatchObject({ type: "error", code: "FORBIDDEN" });
    await shares.revoke("adas", link.id);
    await guest.until(() => guest.closed !== undefined, "close", 15_000);
    expect(guest.closed).toEqual({ code: 4401, reason: "the share link has been revoked" });
    const again = await gateway.client("/ws/adas", { headers: { authorization: `Bearer ${link.token}` } });
    await again.untilClosed();
    expect(again.closed?.code).toBe(4401);
  });
});
