import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { routes } from "../routes/index.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const secret = "a secret of at least thirty-two bytes";
const createdShare = z.looseObject({ share: z.looseObject({ id: z.string() }), token: z.string() });
let api: TestApi;
let open: TestApi;

beforeAll(async () => {
  const tapes = new MemoryTapeStore();
  await writeTestTape(tapes, { id: "test", frames: 200 });
  const redisUrl = inject("redisUrl");
  api = await startTestApi({
    redisUrl,
    tapes,
    access: { AUTH_JWT_SECRET: secret, SHARE_SECRET: `another ${secret}`, AUDIT_STREAM: "1000" },
    guard: { ALLOWED_ORIGINS: ["https://trusted.example"] },
    trustedProxies: "127.0.0.1",
  });
  open = await startTestApi({ redisUrl, tapes, access: { AUDIT_STREAM: "1000" } });
});
afterAll(() => Promise.all([api.stop(), open.stop()]));
beforeEach(() => Promise.all([api, open].map(({ redis, keys }) => redis.del(keys.audit))));

async function as(user: string, role = "controller"): Promise<Record<string, string>> {
  const token = new SignJWT({ role }).setProtectedHeader({ alg: "HS256" }).setSubject(user).setExpirationTime("1m");
  return { authorization: `Bearer ${await token.sign(new TextEncoder().encode(secret))}` };
}

/** Sends a request and returns its audit entries. */
async function trailOf(node: TestApi, method: string, path: string, headers: Record<string, string>, body?: object) {
  const { status, json } = await node.ask(method, path, { headers, ...(body !== undefined && { body }) });
  const entries = await node.redis.xrange(node.keys.audit, "-", "+");
  await node.redis.del(node.keys.audit);
  return { status, json, entries: entries.map(([, flat]) => fieldsOf(flat)) };
}

function fieldsOf(flat: readonly string[]): Record<string, string | undefined> {
  const fields: Record<string, string | undefined> = {};
  for (let at = 0; at < flat.length; at += 2) fields[flat[at] ?? ""] = flat[at + 1];
  const { service: _, node: __, ...rest } = fields;
  return rest;
}

const from = { address: "198.51.100.1" };
const forwarded = { "x-forwarded-for": "6.6.6.6, 198.51.100.1", "x-request-id": "r-1" };
const ada = { ...from, request_id: "r-1", user: "ada", role: "controller" };

describe("with authentication on", () => {
  test("[AC33] a command has one entry, with who, what, which session, from where, and the result", async () => {
    const headers = { ...(await as("ada")), ...forwarded };
    await trailOf(api, "POST", "/sessions/create", headers, { session_id: "s1" });
    const session = { ...ada, session: "s1" };
    for (const [path, body, entry] of [
      ["/replay/start/s1", undefined, { event: "command", action: "start", result: "ok" }],
      ["/replay/s1/pause", undefined, { event: "command", action: "pause", result: "ok" }],
      ["/replay/speed/2/s1", undefined, { event: "command", action: "speed", result: "ok" }],
      ["/replay/seek/s1", { seq: 5 }, { event: "command", action: "seek", result: "ok" }],
      ["/replay/seek/s1", { seq: -1 }, { event: "command", action: "seek", result: "INVALID_VALUE" }],
      ["/replay/live/s1", undefined, { event: "command", action: "live", result: "NOT_LIVE" }],
      ["/replay/order/s1", { side: "BUY" }, { event: "order", action: "order", result: "NOT_SIMULATION" }],
      ["/mode", { mode: "REPLAY", session_id: "s1" }, { event: "command", action: "mode", result: "ok" }],
    ] as const) {
      expect((await trailOf(api, "POST", path, headers, body)).entries, path).toEqual([{ ...session, ...entry }]);
    }
    const foreign = await trailOf(api, "POST", "/replay/pause/s1", { ...(await as("ben")), ...forwarded });
    expect(foreign).toMatchObject({ status: 404, entries: [{ user: "ben", result: "SESSION_NOT_FOUND" }] });
    // Requests that only read have no entry.
    for (const path of ["/sessions/s1", "/replay/state/s1", "/tapes", "/health"]) {
      expect((await trailOf(api, "GET", path, headers)).entries, path).toEqual([]);
    }
  });

  test("[AC33] links and deletions have entries, and so do actions of a link's holder, with the link's id", async () => {
    const headers = { ...(await as("ada")), ...forwarded };
    await trailOf(api, "POST", "/sessions/create", headers, { session_id: "s2" });
    const entry = { ...ada, session: "s2", result: "ok" };
    const made = await trailOf(api, "POST", "/sessions/s2/shares", headers, { role: "controller" });
    const { share, token } = createdShare.parse(made.json);
    expect(made.entries).toEqual([{ ...entry, event: "share", action: "share", link: share.id }]);
    expect(JSON.stringify(made.entries)).not.toContain(token);

    const held = { authorization: `Bearer ${token}`, ...forwarded };
    expect((await trailOf(api, "POST", "/replay/stop/s2", held)).entries).toEqual([
      {
        ...from,
        request_id: "r-1",
        role: "controller",
        share: share.id,
        session: "s2",
        event: "command",
        action: "stop",
        result: "ok",
      },
    ]);
    expect((await trailOf(api, "DELETE", "/sessions/s2", held)).entries).toMatchObject([
      { event: "refusal", action: "delete", result: "FORBIDDEN", share: share.id, session: "s2" },
    ]);
    expect((await trailOf(api, "DELETE", `/sessions/s2/shares/${share.id}`, headers)).entries).toEqual([
      { ...entry, event: "revocation", action: "revoke", link: share.id },
    ]);
    expect((await trailOf(api, "DELETE", "/sessions/s2", headers)).entries).toEqual([
      { ...entry, event: "deletion", action: "delete" },
    ]);
  });

  test("[AC33] denied access has one entry, with the user if the token is valid and otherwise with the address", async () => {
    const refused = (result: string, action: string) => [
      { ...from, request_id: "r-1", event: "refusal", action, result },
    ];
    for (const headers of [forwarded, { ...forwarded, authorization: "Bearer ey.not.one" }]) {
      const get = await trailOf(api, "GET", "/sessions/s1", headers);
      expect(get.entries).toMatchObject(refused("UNAUTHORIZED", "GET /sessions/{id}"));
      expect(get.entries[0]).not.toHaveProperty("user");
      const post = await trailOf(api, "POST", "/replay/pause/s1", headers);
      expect(post).toMatchObject({ status: 401, entries: refused("UNAUTHORIZED", "pause") });
    }
    const login = await trailOf(api, "POST", "/auth/login", forwarded, { email: "a@b.c", password: "hunter2hunter2" });
    expect(login).toMatchObject({ status: 403, entries: refused("FORBIDDEN", "POST /auth/login") });
    expect(JSON.stringify(login.entries)).not.toContain("hunter2");
    const page = await trailOf(api, "GET", "/tapes", { ...forwarded, origin: "https://evil.example" });
    expect(page).toMatchObject({ status: 403, entries: refused("ORIGIN_NOT_ALLOWED", "GET") });
    const viewer = await trailOf(api, "GET", "/sessions", { ...(await as("vic", "viewer")), ...forwarded });
    expect(viewer).toMatchObject({
      status: 403,
      entries: [{ event: "refusal", user: "vic", action: "GET /sessions" }],
    });
  });

  test("[AC33] views of admins have entries, without the files of a page", async () => {
    const headers = { ...(await as("eve", "admin")), ...forwarded };
    const paths = ["/sessions", "/sessions/stats", "/metrics", "/metrics/dashboard"];
    for (const path of paths) {
      expect((await trailOf(api, "GET", path, headers)).entries).toMatchObject([
        { event: "admin_view", action: `GET ${path}`, user: "eve", role: "admin", result: "ok" },
      ]);
    }
    const page = await api.ask("GET", "/admin/queues", { headers });
    const [script] = /static\/[^"']+\.js/.exec(page.text) ?? [];
    expect((await api.ask("GET", `/admin/queues/${script}`, { headers })).status).toBe(200);
    const entries = await api.redis.xrange(api.keys.audit, "-", "+");
    expect(entries.map(([, flat]) => fieldsOf(flat))).toMatchObject([
      { event: "admin_view", action: "GET /admin/queues", user: "eve", result: "ok" },
    ]);
  });

  test("[AC34] text of a client appears only in the fields meant for it", async () => {
    const token = (await as("ada")).authorization ?? "";
    const hostile = { ...(await as("ada")), "x-request-id": token, "x-forwarded-for": `${token}, "\\n` };
    const path = encodeURIComponent(`x\n{"audit":true}${token.slice(7)}`);
    for (const [method, to] of [
      ["DELETE", `/sessions/${path}`],
      ["POST", `/replay/pause/${path}`],
    ] as const) {
      const { entries } = await trailOf(api, method, to, hostile);
      expect(entries).toEqual([
        {
          address: "127.0.0.1",
          user: "ada",
          role: "controller",
          event: method === "DELETE" ? "deletion" : "command",
          action: method === "DELETE" ? "delete" : "pause",
          result: "SESSION_NOT_FOUND",
        },
      ]);
    }
  });
});

test("[AC33] every route that changes something, except creating a session, and every admin route is audited", () => {
  const changing = routes.filter(({ method }) => method !== "GET");
  expect(changing.length).toBeGreaterThan(30);
  const without = routes.filter(({ method, access, audit }) => !audit && (method !== "GET" || access === "admin"));
  expect(without.map(({ path }) => path)).toEqual(["/sessions/create", "/auth/register", "/auth/login"]);
});

test("[AC33] with authentication off commands have entries with the address, and admin routes have none", async () => {
  await trailOf(open, "POST", "/sessions/create", {}, { session_id: "s1" });
  expect((await trailOf(open, "POST", "/replay/start/s1", {})).entries).toEqual([
    { address: "127.0.0.1", session: "s1", event: "command", action: "start", result: "ok" },
  ]);
  expect((await trailOf(open, "GET", "/sessions", {})).entries).toEqual([]);
});
