import { generateKeyPairSync } from "node:crypto";
import { createVenueKeyAnswer, venueKeysAnswer } from "@tapedeck/protocol";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const secret = "a secret of at least thirty-two bytes";
let api: TestApi;
let open: TestApi;

beforeAll(async () => {
  const tapes = new MemoryTapeStore();
  await writeTestTape(tapes, { id: "test", frames: 20 });
  const redisUrl = inject("redisUrl");
  const access = { AUTH_JWT_SECRET: secret, SHARE_SECRET: `another ${secret}`, AUDIT_STREAM: "1000" };
  api = await startTestApi({ redisUrl, tapes, access });
  open = await startTestApi({ redisUrl, tapes });
});
afterAll(() => Promise.all([api.stop(), open.stop()]));
beforeEach(async () => {
  await api.ask("DELETE", "/sessions/s1", { headers: await as("ada") });
  await api.ask("POST", "/sessions/create", { headers: await as("ada"), body: { session_id: "s1" } });
  await api.redis.del(api.keys.audit);
});

async function as(user: string, role = "controller"): Promise<Record<string, string>> {
  const token = new SignJWT({ role }).setProtectedHeader({ alg: "HS256" }).setSubject(user).setExpirationTime("1m");
  return { authorization: `Bearer ${await token.sign(new TextEncoder().encode(secret))}` };
}

const path = "/sessions/s1/venue-keys";
async function make(headers: Record<string, string>, body: object = {}) {
  return createVenueKeyAnswer.parse((await api.ask("POST", path, { headers, body })).json);
}
async function listed(headers: Record<string, string>) {
  return venueKeysAnswer.parse((await api.ask("GET", path, { headers })).json).venue_keys;
}
const codeOf = ({ json }: { json: unknown }) => z.looseObject({ code: z.string() }).parse(json).code;

describe("keys to a session's venue", () => {
  test("[AC40] who may control the session makes, lists and removes them; the secret is answered once", async () => {
    const ada = await as("ada");
    const made = await make(ada, { name: "bot" });
    expect(made).toMatchObject({ kind: "HMAC", name: "bot", created_by: "ada" });
    expect([made.api_key, made.secret]).toEqual([expect.stringMatching(/^\w{64}$/), expect.stringMatching(/^\w{64}$/)]);
    const { secret: _, ...view } = made;
    expect(await listed(ada)).toEqual([view]);
    expect(await listed(await as("root", "admin"))).toEqual([view]);
    for (const [method, address] of [
      ["POST", path],
      ["GET", path],
      ["DELETE", `${path}/${made.api_key}`],
    ] as const) {
      const ask = { body: {} };
      const asked = async (user: string, role: string) => {
        const headers = await as(user, role);
        return api.ask(method, address, method === "POST" ? { headers, ...ask } : { headers });
      };
      expect(codeOf(await asked("ben", "controller"))).toBe("SESSION_NOT_FOUND");
      expect(codeOf(await asked("ada", "viewer"))).toBe("FORBIDDEN");
    }
    expect((await api.ask("DELETE", `${path}/${made.api_key}`, { headers: ada })).status).toBe(200);
    expect(codeOf(await api.ask("DELETE", `${path}/${made.api_key}`, { headers: ada }))).toBe("VENUE_KEY_NOT_FOUND");
    expect(await listed(ada)).toEqual([]);
  });

  test("[AC40] with an Ed25519 public key there is no secret; other keys are refused and not stored", async () => {
    const ada = await as("ada");
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    const made = await make(ada, { public_key: pem });
    expect([made.kind, made.secret]).toEqual(["ED25519", undefined]);
    const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
    for (const wrong of [
      privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      rsa.export({ type: "spki", format: "pem" }).toString(),
      "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
      "",
    ]) {
      const { json } = await api.ask("POST", path, { headers: ada, body: { public_key: wrong } });
      expect(json).toMatchObject({
        code: "INVALID_VALUE",
        message: expect.stringMatching(/^public_key: must be an Ed/),
      });
    }
    expect(await listed(ada)).toHaveLength(1);
  });

  test("[AC40] a session has at most 20, also when they are made at once", async () => {
    const ada = await as("ada");
    const answers = await Promise.all(
      Array.from({ length: 24 }, () => api.ask("POST", path, { headers: ada, body: {} })),
    );
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused.length).toBeGreaterThanOrEqual(4);
    expect(refused.map(codeOf)).toEqual(refused.map(() => "TOO_MANY_VENUE_KEYS"));
    expect((await listed(ada)).length).toBeLessThanOrEqual(20);
  });

  test("[AC41] keys end with their session, and do not open a later one with its id", async () => {
    const ada = await as("ada");
    const { api_key: former } = await make(ada);
    const stored = (await api.redis.hget(api.keys.venueKeys("s1"), former)) ?? "";
    await api.ask("DELETE", "/sessions/s1", { headers: ada });
    expect(await api.redis.exists(api.keys.venueKeys("s1"))).toBe(0);
    await api.ask("POST", "/sessions/create", { headers: await as("ben"), body: { session_id: "s1" } });
    // As if a key had been made while the session was deleted.
    await api.redis.hset(api.keys.venueKeys("s1"), former, stored);
    expect(await listed(await as("ben"))).toEqual([]);
    const own = await make(await as("ben"));
    expect(await api.redis.hkeys(api.keys.venueKeys("s1"))).toEqual([own.api_key]);
    await api.ask("DELETE", "/sessions/s1", { headers: await as("ben") });
  });

  test("[AC41] a key that the holder of a share link made ends with the link", async () => {
    const ada = await as("ada");
    const { json } = await api.ask("POST", "/sessions/s1/shares", { headers: ada, body: { role: "controller" } });
    const link = z.object({ share: z.looseObject({ id: z.string() }), token: z.string() }).parse(json);
    const { api_key: lent } = await make({ authorization: `Bearer ${link.token}` });
    expect((await listed(ada)).map(({ api_key }) => api_key)).toEqual([lent]);
    await api.ask("DELETE", `/sessions/s1/shares/${link.share.id}`, { headers: ada });
    expect(await listed(ada)).toEqual([]);
  });

  test("[AC42] making and removing one is in the audit trail, without the key", async () => {
    const ada = await as("ada");
    const made = await make(ada);
    await api.ask("DELETE", `${path}/${made.api_key}`, { headers: ada });
    const entries = await api.redis.xrange(api.keys.audit, "-", "+");
    const events = entries.map(([, flat]) => Object.fromEntries(pairs(flat)));
    expect(events).toMatchObject([
      { event: "venue_key", action: "venue_key", session: "s1", user: "ada", result: "ok" },
      { event: "venue_key_removal", action: "remove_venue_key", session: "s1", user: "ada", result: "ok" },
    ]);
    expect(events[0]?.key).toMatch(/^[\w-]{12}$/);
    expect(events[1]?.key).toBe(events[0]?.key);
    const trail = JSON.stringify(entries);
    for (const text of [made.api_key, made.secret ?? ""]) expect(trail).not.toContain(text);
  });

  test("[AC40] with authentication off everyone makes keys", async () => {
    await open.ask("POST", "/sessions/create", { body: { session_id: "o1" } });
    expect((await open.ask("POST", "/sessions/o1/venue-keys", { body: {} })).status).toBe(201);
    expect(codeOf(await open.ask("POST", "/sessions/none/venue-keys", { body: {} }))).toBe("SESSION_NOT_FOUND");
  });
});

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, flat[at + 1] ?? ""]] : []));
}
