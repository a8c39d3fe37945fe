import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderTapeStore } from "@tapedeck/tape";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { importSmallRecording } from "../../services/api/src/testing/small-recording.js";
import { SigningClient } from "../../services/venue/src/testing/signing-client.js";
import { startTestVenue, type TestVenue } from "../../services/venue/src/testing/start-venue.js";
import { type VenueSessions, venueSessions } from "../../services/venue/src/testing/venue-sessions.js";

let folder: string;
let venue: TestVenue;
let limited: TestVenue;
let deck: VenueSessions;
let keyId: string;
const bots = new Map<TestVenue, SigningClient>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-venue-"));
  await importSmallRecording(new FolderTapeStore(folder));
  const redisUrl = inject("redisUrl");
  const prefix = `test-${randomUUID()}`;
  const env = { AUDIT_STREAM: "1000" };
  venue = await startTestVenue({ redisUrl, store: folder, prefix, env });
  limited = await startTestVenue({ redisUrl, store: folder, prefix, env: { ...env, LIMIT_COMMANDS: "2/600" } });
  deck = venueSessions({ redisUrl, prefix, folder, defaultTape: "small" });
  await deck.sessions.open("s1", {});
  const { apiKey, credential, id } = await deck.keyOf("s1");
  if (credential.kind !== "HMAC") throw new Error("the key has no secret");
  keyId = id;
  for (const node of [venue, limited])
    bots.set(node, new SigningClient(`${node.url}/venue/binance/s1`, { apiKey, secret: credential.secret }));
});
afterAll(async () => {
  await deck.stop();
  await Promise.all([venue.end(), limited.end()]);
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => deck.redis.del(deck.keys.audit));

/** The fields of the audit trail's entries, oldest first. */
async function entries(): Promise<Record<string, string>[]> {
  const found = await deck.redis.xrange(deck.keys.audit, "-", "+");
  return found.map(([, fields]) =>
    Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? ""]] : []))),
  );
}

function signed(node: TestVenue, method: string, path: string, fields: Record<string, string | number>) {
  const bot = bots.get(node);
  if (bot === undefined) throw new Error("the node has no bot");
  return bot.signed(method, path, fields);
}

const symbol = "BTCUSDT";
const order = { symbol, side: "BUY", type: "LIMIT", timeInForce: "GTC", quantity: "0.100", price: "90.00" };

test("[TR31] [VK25] an order through a venue is a line of the audit trail, and so is one that is refused", async () => {
  expect(await signed(venue, "POST", "/api/v3/order", { ...order, newClientOrderId: "mine" })).toMatchObject({
    status: 200,
  });
  expect(await signed(venue, "POST", "/api/v3/order", { ...order, price: "0" })).toMatchObject({ status: 400 });
  expect(await signed(venue, "DELETE", "/api/v3/order", { symbol, origClientOrderId: "none" })).toMatchObject({
    body: { code: -2011 },
  });
  await signed(venue, "GET", "/api/v3/openOrders", { symbol });
  await expect.poll(entries).toHaveLength(3);
  const common = { service: "venue", event: "order", session: "s1", key: keyId, address: "127.0.0.1" };
  expect(await entries()).toMatchObject([
    { ...common, action: "place_order", result: "ok" },
    { ...common, action: "place_order", result: "INVALID_VALUE" },
    { ...common, action: "cancel_order", result: "INVALID_VALUE" },
  ]);
});

test("[TR31] [VK25] orders count as commands in the limits", async () => {
  expect(await signed(limited, "POST", "/api/v3/order", order)).toMatchObject({ status: 200 });
  expect(await signed(limited, "DELETE", "/api/v3/openOrders", { symbol })).toMatchObject({ status: 200 });
  const refused = await signed(limited, "POST", "/api/v3/order", order);
  expect(refused).toMatchObject({ status: 429, body: { code: -1003 } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  await expect.poll(entries).toHaveLength(3);
  expect((await entries()).map(({ action, result }) => [action, result])).toEqual([
    ["place_order", "ok"],
    ["cancel_orders", "ok"],
    ["place_order", "TOO_MANY_REQUESTS"],
  ]);
});

test("[VK15] a resting order becomes smaller under its ids, and nothing else", async () => {
  const placed = { ...order, quantity: "0.300", newClientOrderId: "amended" };
  expect(await signed(venue, "POST", "/api/v3/order", placed)).toMatchObject({ status: 200 });
  const amend = (fields: Record<string, string>) =>
    signed(venue, "PUT", "/api/v3/order/amend/keepPriority", { symbol, origClientOrderId: "amended", ...fields });
  // The session stands: the order has not arrived, and its change will follow it.
  expect(await amend({ newQty: "0.200" })).toMatchObject({
    status: 200,
    body: { amendedOrder: { origClientOrderId: "amended", clientOrderId: "amended", status: "NEW" } },
  });
  expect(await amend({ newQty: "0.300" })).toMatchObject({
    body: { code: -2038, msg: "Order amend (quantity increase) is not supported." },
  });
  expect(await amend({ newQty: "0.100", newClientOrderId: "other" })).toMatchObject({ body: { code: -2038 } });
  expect(await amend({ newQty: "0.0001" })).toMatchObject({ body: { code: -1013, msg: "Filter failure: LOT_SIZE" } });
  expect(await amend({ newQty: "-1" })).toMatchObject({ body: { code: -1100 } });
  expect(await amend({ newQty: "0.1", origClientOrderId: "none" })).toMatchObject({ body: { code: -2013 } });
  await deck.sessions.perform("s1", { type: "seek", to: { seq: 12 } });
  const shown = () => signed(venue, "GET", "/api/v3/order", { symbol, origClientOrderId: "amended" });
  await expect.poll(shown).toMatchObject({ body: { status: "NEW", origQty: "0.20000000", price: "90.00000000" } });
});
