import { afterAll, expect, inject, test, vi } from "vitest";
import { soon } from "../../../../test/support/soon.js";
import { openGatewayFixture } from "../testing/test-cluster.js";

const fixture = await openGatewayFixture(inject("redisUrl"));
afterAll(() => fixture.stop());

test("[G50] a deleted session closes its sockets on every node", async () => {
  const other = await fixture.cluster.gateway();
  const id = fixture.newId();
  const clients = [
    await fixture.gateway.client(`/ws/${id}`),
    await fixture.gateway.client(`/ws/${id}`, { legacy: true }),
    await other.client(`/ws/${id}`),
  ];
  await fixture.cluster.sessions.remove(id);
  await Promise.all(clients.map((client) => client.untilClosed()));
  expect(clients.map(({ closed }) => closed)).toEqual(Array(3).fill({ code: 4404, reason: "session deleted" }));
  // A new session with the same id keeps its sockets when the end of the first one arrives late.
  const again = await fixture.gateway.client(`/ws/${id}`);
  await again.untilType("history");
  expect(again.closed).toBeUndefined();
});

test("[G50] an expired session closes its sockets as soon as any node notices", async () => {
  const { redis, keys, store } = fixture.cluster;
  const id = fixture.newId();
  const client = await fixture.gateway.client(`/ws/${id}`);
  await client.untilType("history");
  await redis.del(keys.session(id));
  // The gateway may give it more time between the two calls.
  await vi.waitFor(async () => {
    const score = await store.index.expiryOf(id);
    if (score !== undefined) expect(await store.expire({ id, score }, score + 1)).toBe(true);
  }, soon);
  await client.untilClosed();
  expect(client.closed).toEqual({ code: 4404, reason: "session expired" });
});

test("[G50] a socket creates an expired id again, and that session stays", async () => {
  const { redis, keys } = fixture.cluster;
  const id = fixture.newId();
  await fixture.cluster.sessions.open(id);
  await redis.del(keys.session(id)); // its entry in the index is settled when the id is created again
  const client = await fixture.gateway.client(`/ws/${id}`);
  await client.untilType("history");
  const ack = await client.command("pause");
  expect(ack.type).toBe("ack");
  expect(client.closed).toBeUndefined();
});

test.each(["/ws/create", "/ws/a%20b", "/ws?session_id=..", "/ws/x?epoch=1", "/ws/x?epoch=one&after=2"])(
  "[G51] %s is accepted and closed with 4400",
  async (path) => {
    const client = await fixture.gateway.client(path);
    await client.untilClosed();
    expect(client.closed?.code).toBe(4400);
    expect(client.types).toEqual([]);
  },
);

test("[G51] other paths and requests without an upgrade get a JSON response", async () => {
  const { url } = fixture.gateway;
  await expect(fixture.gateway.client("/sockets")).rejects.toThrow("HTTP 404");
  for (const [path, status, code] of [
    ["/", 404, "ROUTE_NOT_FOUND"],
    ["/sessions", 404, "ROUTE_NOT_FOUND"],
    ["/ws", 400, "MALFORMED"],
    ["/ws/abc", 400, "MALFORMED"],
  ] as const) {
    const answer = await fetch(`${url}${path}`);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(await answer.json()).toMatchObject({ status: "error", code });
  }
  expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(405);
});

test("[G51] health and metrics are served", async () => {
  const { url } = fixture.gateway;
  expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: "alive" });
  const ready = await fetch(`${url}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: "ready", issues: [] }]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain("tapedeck_gateway_frames_forwarded_total");
  expect(metrics).toContain("tapedeck_gateway_sockets");
});

test("[G52] a message of more than 16 KB closes with 1009", async () => {
  for (const legacy of [false, true]) {
    const client = await fixture.gateway.client(`/ws/${fixture.newId()}`, { legacy });
    client.send("x".repeat(16_384));
    if (!legacy) await client.untilType("error");
    client.send("x".repeat(16_385));
    await client.untilClosed();
    expect(client.closed?.code).toBe(1009);
  }
});

test("[G52] sockets of pages whose origin is not allowed are closed with 1008", async () => {
  const gateway = await fixture.cluster.gateway({ ALLOWED_ORIGINS: "https://ours.example" });
  const id = fixture.newId();
  const theirs = await gateway.client(`/ws/${id}`, { headers: { Origin: "https://theirs.example" } });
  await theirs.untilClosed();
  expect(theirs.closed?.code).toBe(1008);
  expect(await fixture.cluster.store.read(id)).toBeUndefined();
  const own = `http://${new URL(gateway.url).host}`; // [AC27]
  for (const options of [{ headers: { Origin: "https://ours.example" } }, { headers: { Origin: own } }, {}]) {
    const ours = await gateway.client(`/ws/${id}`, options);
    await ours.untilType("history");
  }
});

test("[G52] a socket above the limit of an address or a session is closed with 4429", async () => {
  const gateway = await fixture.cluster.gateway({
    MAX_SOCKETS_PER_ADDRESS: "3",
    MAX_SOCKETS_PER_SESSION: "2",
    TRUSTED_PROXIES: "127.0.0.1",
  });
  const id = fixture.newId();
  const from = (address: string) => ({ headers: { "X-Forwarded-For": address } });
  const first = await gateway.client(`/ws/${id}`, from("10.0.0.1"));
  await gateway.client(`/ws/${id}`, from("10.0.0.1"));
  const third = await gateway.client(`/ws/${id}`, from("10.0.0.2"));
  await third.untilClosed();
  expect(third.closed?.code).toBe(4429);
  await gateway.client(`/ws/${fixture.newId()}`, from("10.0.0.1"));
  const fourth = await gateway.client(`/ws/${fixture.newId()}`, from("10.0.0.1"));
  await fourth.untilClosed();
  expect(fourth.closed?.code).toBe(4429);
  await first.close();
  const fits = await gateway.client(`/ws/${id}`, from("10.0.0.1"));
  await fits.untilType("history");
});

test("[G52] a new session above the cluster's limit is refused with 4429", async () => {
  const gateway = await fixture.cluster.gateway({ MAX_SESSIONS: "1" });
  const client = await gateway.client(`/ws/${fixture.newId()}`);
  await client.untilClosed();
  expect(client.closed?.code).toBe(4429);
});

test.each([
  ["a hundred a second", { DRAIN_MS: "60000", sockets: 30, leastMs: 250, mostMs: 20_000 }],
  ["all within DRAIN_MS", { DRAIN_MS: "1000", sockets: 300, leastMs: 750, mostMs: 2_800 }],
])("[G53] a node that shuts down closes its sockets with 1012, %s, and takes no more", async (_, expected) => {
  const { DRAIN_MS, sockets, leastMs, mostMs } = expected;
  const gateway = await fixture.cluster.gateway({ DRAIN_MS });
  const id = fixture.newId();
  const clients = await Promise.all(Array.from({ length: sockets }, () => gateway.client(`/ws/${id}`)));
  const times: number[] = [];
  const closed = clients.map((client) => client.untilClosed().then(() => times.push(performance.now())));
  gateway.stopAccepting();
  // Not from the first close, which a busy machine may notice late.
  const began = performance.now();
  await gateway.drain();
  await Promise.all(closed);
  expect(clients.map((client) => client.closed?.code)).toEqual(clients.map(() => 1012));
  const took = (times.at(-1) ?? 0) - began;
  expect(took).toBeGreaterThan(leastMs);
  expect(took).toBeLessThan(mostMs);
  await expect(gateway.client(`/ws/${fixture.newId()}`)).rejects.toThrow();
});
