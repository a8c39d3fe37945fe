import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { VenueSocket } from "../../../../test/support/venue-socket.js";
import { type BotKey, SigningClient } from "../testing/signing-client.js";
import { startTestVenue, type TestVenue } from "../testing/start-venue.js";
import { type VenueSessions, venueSessions } from "../testing/venue-sessions.js";

const dual = "/fapi/v1/positionSide/dual";
let folder: string;
let venue: TestVenue;
let closed: TestVenue;
let deck: VenueSessions;
let key: BotKey;
let bot: SigningClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-venue-"));
  await writeTestTape(new FolderTapeStore(folder), { id: "test", frames: 20 });
  const redisUrl = inject("redisUrl");
  const prefix = `test-${randomUUID()}`;
  venue = await startTestVenue({ redisUrl, store: folder, prefix });
  const env = { AUTH_JWT_SECRET: "a secret of at least thirty-two bytes", AUDIT_STREAM: "100" };
  closed = await startTestVenue({ redisUrl, store: folder, prefix, env });
  deck = venueSessions({ redisUrl, prefix, folder, defaultTape: "test" });
  for (const id of ["s1", "s2"]) await deck.sessions.open(id, {});
  key = hmacKey(await deck.keyOf("s1"));
  bot = new SigningClient(`${venue.url}/venue/binance/s1`, key);
});
afterAll(async () => {
  await deck.stop();
  await Promise.all([venue.end(), closed.end()]);
  await rm(folder, { recursive: true, force: true });
});

function hmacKey({ apiKey, credential }: Awaited<ReturnType<VenueSessions["keyOf"]>>): BotKey {
  if (credential.kind !== "HMAC") throw new Error("the key has no secret");
  return { apiKey, secret: credential.secret };
}

describe("signed requests", () => {
  test("[VK3] are answered for the session's keys, of both kinds", async () => {
    expect(await bot.signed("GET", dual)).toMatchObject({ status: 200, body: { dualSidePosition: false } });
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const made = await deck.keyOf("s1", publicKey.export({ type: "spki", format: "pem" }).toString());
    const modern = new SigningClient(`${venue.url}/venue/binance/s1`, { apiKey: made.apiKey, secret: privateKey });
    expect(await modern.signed("GET", dual)).toMatchObject({ status: 200 });
    expect(await modern.signed("GET", dual, { signature: "x".repeat(86) })).toMatchObject({ body: { code: -1022 } });
  });

  test("[VK3] are refused with Binance's codes otherwise", async () => {
    const other = new SigningClient(`${venue.url}/venue/binance/s2`, key);
    const without = await fetch(`${venue.url}/venue/binance/s1${dual}?timestamp=${Date.now()}&signature=a`);
    expect([without.status, await without.json()]).toEqual([401, { code: -2014, msg: "API-key format invalid." }]);
    const absent = new SigningClient(`${venue.url}/venue/binance/none`, key);
    for (const stranger of [other, absent]) {
      expect(await stranger.signed("GET", dual)).toMatchObject({ status: 401, body: { code: -2015 } });
    }
    for (const [fields, code] of [
      [{ timestamp: Date.now() - 10_000 }, -1021],
      [{ timestamp: Date.now() + 5_000 }, -1021],
      [{ timestamp: "" }, -1102],
      [{ signature: "" }, -1102],
      [{ signature: "0".repeat(64) }, -1022],
      [{ recvWindow: 70_000 }, -1131],
    ] as const) {
      expect(await bot.signed("GET", dual, fields), JSON.stringify(fields)).toMatchObject({
        status: 400,
        body: { code },
      });
    }
    expect(await bot.signed("GET", dual, { timestamp: Date.now() - 10_000, recvWindow: 20_000 })).toMatchObject({
      status: 200,
    });
  });

  test("[VK3] are refused from the moment at which the key is removed", async () => {
    const made = hmacKey(await deck.keyOf("s2"));
    const leaving = new SigningClient(`${venue.url}/venue/binance/s2`, made);
    expect((await leaving.signed("GET", dual)).status).toBe(200);
    const record = await deck.recordOf("s2");
    await deck.venueKeys.remove(record, made.apiKey);
    expect(await leaving.signed("GET", dual)).toMatchObject({ status: 401, body: { code: -2015 } });
  });
});

test("[VK4] a listen key is always that of its key, and begins, renews and closes without a signature", async () => {
  const spot = await bot.keyed("POST", "/api/v3/userDataStream");
  expect(spot).toMatchObject({ status: 200, body: { listenKey: expect.stringMatching(/^[0-9a-f]{64}$/) } });
  expect((await bot.keyed("POST", "/fapi/v1/listenKey")).body).toEqual(spot.body);
  expect((await bot.keyed("PUT", "/fapi/v1/listenKey")).body).toEqual(spot.body);
  expect((await bot.keyed("DELETE", "/api/v3/userDataStream")).body).toEqual({});
  const stranger = new SigningClient(`${venue.url}/venue/binance/s2`, key);
  expect(await stranger.keyed("POST", "/fapi/v1/listenKey")).toMatchObject({ body: { code: -2015 } });
});

test("[VK5] what a futures account cannot change is what clients know from Binance", async () => {
  for (const [path, fields, code] of [
    [dual, { dualSidePosition: "false" }, -4059],
    [dual, { dualSidePosition: "true" }, -1130],
    ["/fapi/v1/marginType", { symbol: "BTCUSDT", marginType: "CROSSED" }, -4046],
    ["/fapi/v1/marginType", { symbol: "BTCUSDT", marginType: "ISOLATED" }, -1130],
    ["/fapi/v1/multiAssetsMargin", { multiAssetsMargin: "false" }, -4171],
  ] as const) {
    expect(await bot.signed("POST", path, fields), path).toMatchObject({ status: 400, body: { code } });
  }
});

test("[VK6] with authentication on, market data needs a key of the session, in the header or in the address", async () => {
  const ask = async (session: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${closed.url}/venue/binance/${session}/api/v3/time`, { headers });
    return answer.status;
  };
  const { apiKey } = key;
  expect(await ask("s1")).toBe(401);
  expect(await ask("s1", { "X-MBX-APIKEY": apiKey })).toBe(200);
  expect(await ask(`s1~${apiKey}`)).toBe(200);
  expect(await ask(`s2~${apiKey}`)).toBe(401);
  const token = await new SignJWT({ role: "admin" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("root")
    .setExpirationTime("1m")
    .sign(new TextEncoder().encode("a secret of at least thirty-two bytes"));
  expect(await ask("s1", { authorization: `Bearer ${token}` })).toBe(401);
});

test("[VK26] a refusal with 401 is a line of the audit trail, once, with neither key nor signature", async () => {
  const { apiKey } = key;
  const headers = { "x-request-id": "r-1" };
  await fetch(`${closed.url}/venue/binance/s1/api/v3/ticker/price`, { headers });
  const stranger = new SigningClient(`${closed.url}/venue/binance/s2~${apiKey}`, key);
  expect(await stranger.signed("POST", "/api/v3/order", { symbol: "TEST" })).toMatchObject({ status: 401 });
  await expect(VenueSocket.open(`${closed.url}/venue/binance/s1/ws/a@trade`)).rejects.toThrow("401");
  const socket = await VenueSocket.open(`${closed.url}/venue/binance/s1~${apiKey}/ws-api/v3`);
  const signed = { apiKey: "k".repeat(64), timestamp: Date.now(), signature: "s" };
  expect(await socket.ask("order.place", signed)).toMatchObject({ status: 401 });
  expect(await socket.ask("userDataStream.subscribe")).toMatchObject({ status: 401 });
  expect(await socket.ask("a method of no such name")).toMatchObject({ status: 404 });
  socket.close();
  const written = async () => {
    const entries = await deck.redis.xrange(deck.keys.audit, "-", "+");
    return entries.map(([, flat]) =>
      Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : []))),
    );
  };
  const refused = { event: "refusal", result: "UNAUTHORIZED", service: "venue", address: expect.any(String) };
  const ofRequest = "GET /api/v3/ticker/price";
  await expect
    .poll(async () => (await written()).filter(({ action }) => action !== "GET /api/v3/time"))
    .toMatchObject([
      { ...refused, action: ofRequest, session: "s1", request_id: "r-1", reason: expect.any(String) },
      { ...refused, action: "POST /api/v3/order", session: "s2" },
      { ...refused, action: "watch", session: "s1" },
      { ...refused, action: "order.place", session: "s1", request_id: "1" },
      { ...refused, action: "userDataStream.subscribe", session: "s1" },
    ]);
  for (const secret of [apiKey, "k".repeat(64)]) expect(JSON.stringify(await written())).not.toContain(secret);
});
