import { securityHeaders } from "@tapedeck/runtime";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const secret = "a secret of at least thirty-two bytes";
const made = z.looseObject({ share: z.looseObject({ id: z.string() }), token: z.string() });
let api: TestApi;

beforeAll(async () => {
  const tapes = new MemoryTapeStore();
  await writeTestTape(tapes, { id: "other", frames: 20 });
  await writeTestTape(tapes, { id: "test", frames: 200 });
  api = await startTestApi({
    redisUrl: inject("redisUrl"),
    tapes,
    access: { AUTH_JWT_SECRET: secret, SHARE_SECRET: `another ${secret}`, AUTH_DEFAULT_ROLE: "controller" },
    guard: { ALLOWED_ORIGINS: ["https://trusted.example"] },
  });
});
afterAll(() => api.stop());

async function as(user: string, role?: string): Promise<Record<string, string>> {
  const token = new SignJWT({ ...(role !== undefined && { role }) }).setProtectedHeader({ alg: "HS256" });
  return bearer(await token.setSubject(user).setExpirationTime("1m").sign(new TextEncoder().encode(secret)));
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function call(headers: Record<string, string>, method: string, path: string, body?: object) {
  const { status, json } = await api.ask(method, path, { headers, ...(body !== undefined && { body }) });
  return { status, code: z.looseObject({ code: z.string().optional() }).parse(json).code, json };
}

/** Every route that names a session, by its id or in a query. */
const named = (id: string): [method: string, path: string][] => [
  ["GET", `/sessions/${id}`],
  ["DELETE", `/sessions/${id}`],
  ["GET", `/replay/state/${id}`],
  ["GET", `/replay/${id}/state`],
  ["POST", `/replay/start/${id}`],
  ["POST", `/replay/${id}/pause`],
  ["POST", `/replay/speed/2/${id}`],
  ["GET", `/mode/${id}`],
  ["POST", `/mode/${id}`],
  ["GET", `/sessions/${id}/shares`],
  ["GET", `/sessions/${id}/book`],
  ["POST", `/sessions/${id}/shares`],
  ...["/features", "/snapshot/latest", "/anomalies", "/anomalies/summary", "/trades/vpin", "/alerts/history"].map(
    (path): [string, string] => ["GET", `${path}?session_id=${id}`],
  ),
];
const bodies: Record<string, object> = { "/mode": { mode: "REPLAY" } };
const bodyOf = (method: string, path: string) => (method === "POST" ? (bodies[path.slice(0, 5)] ?? {}) : undefined);

describe("with authentication on", () => {
  test("[AC7] only health, pages and the API description are answered without a token", async () => {
    for (const path of ["/health/live", "/openapi.json", "/docs"])
      expect((await api.ask("GET", path)).status).toBe(200);
    for (const [method, path] of [...named("global"), ["GET", "/tapes"], ["GET", "/metrics"]] as const) {
      const answer = await call({}, method, path, bodyOf(method, path));
      expect([method, path, answer.status, answer.code]).toEqual([method, path, 401, "UNAUTHORIZED"]);
    }
    const create = await call({}, "POST", "/sessions/create", { session_id: "not-made" });
    expect(create.status).toBe(401);
    expect(await api.store.read("not-made")).toBeUndefined();
  });

  test("[A80] a refusal without a valid token names the authentication scheme", async () => {
    for (const headers of [{}, bearer("no token of anybody's")]) {
      const answer = await api.ask("GET", "/tapes", { headers });
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
    expect((await api.ask("GET", "/health")).headers.get("www-authenticate")).toBeNull();
  });

  test("[AC8] another user's session is answered like one that does not exist, on every route that names it", async () => {
    const ada = await as("ada");
    const ben = await as("ben");
    expect((await call(ada, "POST", "/sessions/create", { session_id: "adas" })).status).toBe(200);
    const before = await api.store.read("adas");
    for (const [method, path] of named("adas")) {
      const ask = (id: string) =>
        api.ask(method, path.replace("adas", id), {
          headers: ben,
          ...(method === "POST" && { body: bodyOf(method, path) ?? {} }),
        });
      const [answer, unknown] = [await ask("adas"), await ask("none")];
      const text = JSON.stringify(answer.json).replaceAll("adas", "none");
      expect([method, path, answer.status, text]).toEqual([method, path, unknown.status, JSON.stringify(unknown.json)]);
      expect([method, path, unknown.status]).toEqual([method, path, path.includes("?") ? 200 : 404]);
    }
    // Only a caller who may create sessions learns that an id is in use.
    expect((await call(ben, "POST", "/sessions/create", { session_id: "adas" })).status).toBe(403);
    const viewer = await as("vic", "viewer");
    const made = (session_id: string) => call(viewer, "POST", "/sessions/create", { session_id });
    expect(await made("adas")).toEqual(await made("none"));
    expect((await api.store.read("adas"))?.record).toEqual(before?.record);
    expect((await call(await as("eve", "admin"), "GET", "/sessions/adas")).status).toBe(200);
    expect((await call(ada, "POST", "/replay/start/adas")).json).toMatchObject({ user_id: "ada", state: "PLAYING" });
  });

  test("[AC6] a viewer cannot create or control sessions; only an admin lists sessions and reads the cluster's numbers", async () => {
    const viewer = await as("vic", "viewer");
    expect((await call(viewer, "POST", "/sessions/create", {})).status).toBe(403);
    expect((await call(viewer, "POST", "/replay/start")).status).toBe(403);
    expect((await call(viewer, "GET", "/replay/state")).status).toBe(200);
    for (const path of ["/sessions", "/sessions/stats", "/metrics", "/metrics/dashboard"]) {
      expect([path, (await call(await as("ada"), "GET", path)).status]).toEqual([path, 403]);
      expect([path, (await call(await as("eve", "admin"), "GET", path)).status]).toEqual([path, 200]);
    }
    expect((await call(await as("ada"), "POST", "/replay/start")).status).toBe(200);
  });

  test("[AC11] a share link reads only the tape that its session plays", async () => {
    const ada = await as("ada");
    await call(ada, "POST", "/sessions/create", { session_id: "one-tape" });
    const { token } = made.parse((await call(ada, "POST", "/sessions/one-tape/shares", { role: "controller" })).json);
    const link = bearer(token);
    const mine = z
      .object({ session: z.object({ tape: z.string() }) })
      .parse((await call(link, "GET", "/sessions/one-tape")).json).session.tape;
    expect((await call(ada, "GET", "/tapes")).json).toMatchObject({ tapes: { length: 2 } });
    expect((await call(link, "GET", "/tapes")).json).toMatchObject({ tapes: [{ id: mine.split("@")[0] }] });
    expect((await call(link, "GET", `/tapes/${mine}`)).status).toBe(200);
    expect((await call(link, "GET", `/tapes/${mine}/overview`)).status).toBe(200);
    const other = mine.startsWith("other") ? "test" : "other";
    const ofOther = [
      "",
      "/overview",
      "/trades.parquet",
      "/book?seq=0",
      "/book/changes?from_seq=0&to_seq=0",
      "/events",
    ].map((path) => `/tapes/${other}${path}`);
    for (const path of [...ofOther, "/tapes/sim:7/overview", "/tapes/nonesuch"]) {
      expect([path, (await call(link, "GET", path)).code]).toEqual([path, "FORBIDDEN"]);
      expect([path, (await call(ada, "GET", path)).code]).not.toEqual([path, "FORBIDDEN"]);
    }
  });

  test("[AC11] a session has at most 100 links, not counting expired ones", async () => {
    const ada = await as("ada");
    await call(ada, "POST", "/sessions/create", { session_id: "many" });
    const make = (expires_in_s = 600) => call(ada, "POST", "/sessions/many/shares", { role: "viewer", expires_in_s });
    await make(60);
    const [ending = ""] = await api.redis.hkeys(api.keys.shares("many"));
    const rest = await Promise.all(Array.from({ length: 105 }, () => make()));
    expect(rest.filter(({ code }) => code === "TOO_MANY_SHARES").length).toBeGreaterThanOrEqual(6);
    await expect.poll(() => api.redis.hlen(api.keys.shares("many"))).toBeLessThanOrEqual(100);
    while ((await make()).status === 201);
    expect(await api.redis.hlen(api.keys.shares("many"))).toBe(100);
    const link = JSON.parse((await api.redis.hget(api.keys.shares("many"), ending)) ?? "");
    await api.redis.hset(api.keys.shares("many"), ending, JSON.stringify({ ...link, expiresMs: Date.now() - 1 }));
    expect((await make()).status).toBe(201);
    expect((await make()).code).toBe("TOO_MANY_SHARES");
  });

  test("[AC11] [AC12] a share link opens one session with its role, until it is revoked or the session is replaced", async () => {
    const ada = await as("ada");
    await call(ada, "POST", "/sessions/create", { session_id: "shared" });
    await call(ada, "POST", "/sessions/create", { session_id: "private" });
    const share = async (role: string) =>
      made.parse((await call(ada, "POST", "/sessions/shared/shares", { role })).json);
    const [watch, control] = [await share("viewer"), await share("controller")];

    expect((await call(bearer(watch.token), "GET", "/sessions/shared")).status).toBe(200);
    expect((await call(bearer(watch.token), "POST", "/replay/start/shared")).status).toBe(403);
    expect((await call(bearer(control.token), "POST", "/replay/start/shared")).status).toBe(200);
    for (const [method, path, status] of [
      ["GET", "/sessions/private", 404],
      ["DELETE", "/sessions/shared", 403],
      ["GET", "/sessions", 403],
    ] as const) {
      expect([path, (await call(bearer(control.token), method, path)).status]).toEqual([path, status]);
    }
    expect((await call(bearer(control.token), "POST", "/sessions/shared/shares", {})).status).toBe(403);

    expect((await call(ada, "DELETE", `/sessions/shared/shares/${watch.share.id}`)).status).toBe(200);
    expect((await call(bearer(watch.token), "GET", "/sessions/shared")).status).toBe(401);
    expect((await call(ada, "DELETE", `/sessions/shared/shares/${watch.share.id}`)).code).toBe("SHARE_NOT_FOUND");
    expect((await call(ada, "GET", "/sessions/shared/shares")).json).toMatchObject({
      shares: [{ id: control.share.id }],
    });

    await call(ada, "DELETE", "/sessions/shared");
    expect(await api.redis.exists(api.keys.shares("shared"))).toBe(0);
    await call(await as("ben"), "POST", "/sessions/create", { session_id: "shared" });
    expect((await call(bearer(control.token), "GET", "/sessions/shared")).status).toBe(401);
  });

  test("[AC4] a refusal says what is wrong with a token without repeating any of it", async () => {
    const { status, text, headers } = await api.ask("GET", "/tapes", { headers: bearer("ey.secret-part.xyz") });
    expect(status).toBe(401);
    expect(text).not.toContain("secret-part");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("[AC29] every answer that is data, also a refusal, forbids browsers to run, load and frame anything", async () => {
    for (const path of ["/health/live", "/tapes", "/nowhere", "/openapi.json"]) {
      const { headers } = await api.ask("GET", path);
      expect([path, headers.get("content-security-policy")]).toEqual([
        path,
        securityHeaders["Content-Security-Policy"],
      ]);
      expect([path, headers.get("referrer-policy")]).toEqual([path, "no-referrer"]);
    }
  });

  test("[AC14] a token cookie is accepted only from our own pages and listed origins", async () => {
    const cookie = `tapedeck_token=${(await as("ada")).authorization?.slice(7)}`;
    const ask = (headers: Record<string, string>) => call(headers, "GET", "/tapes");
    expect((await ask({ cookie })).status).toBe(200);
    expect((await ask({ cookie, origin: "https://trusted.example" })).status).toBe(200);
    expect((await ask({ cookie, origin: api.url })).status).toBe(200);
    expect((await ask({ cookie, origin: "https://evil.example" })).code).toBe("ORIGIN_NOT_ALLOWED");
  });

  test("[AC14] another Authorization header does not bypass the check of the cookie", async () => {
    const elsewhere = await startTestApi({
      redisUrl: inject("redisUrl"),
      access: { AUTH_JWT_SECRET: secret },
      guard: { HOST: "0.0.0.0" },
    });
    try {
      const token = (await as("ada")).authorization?.slice(7);
      const cookie = `tapedeck_token=${token}`;
      const asked = async (headers: Record<string, string>) =>
        (await elsewhere.ask("GET", "/tapes", { headers: { cookie, ...headers } })).status;
      for (const authorization of ["Basic eDp5", "Bearer", "Digest x", ""]) {
        expect(await asked({ authorization, origin: "https://evil.example" }), authorization).toBe(403);
        expect(await asked({ authorization, "sec-fetch-site": "cross-site" }), authorization).toBe(403);
        expect(await asked({ authorization, origin: elsewhere.url }), authorization).toBe(200);
      }
      expect(await asked({ authorization: `Bearer ${token}`, origin: "https://evil.example" })).toBe(200);
    } finally {
      await elsewhere.stop();
    }
  });

  test("[AC15] requests from pages of unlisted origins are refused", async () => {
    const ada = await as("ada");
    expect(
      (await call({ ...ada, origin: "https://evil.example" }, "POST", "/sessions/create", { session_id: "evil" }))
        .status,
    ).toBe(403);
    expect(await api.store.read("evil")).toBeUndefined();
    const { headers } = await api.ask("GET", "/tapes", { headers: { ...ada, origin: "https://trusted.example" } });
    expect(headers.get("access-control-allow-origin")).toBe("https://trusted.example");
    expect(headers.get("vary")).toBe("Origin");
  });

  test("[AC7] the login route is refused", async () => {
    const answer = await api.ask("POST", "/auth/login", { body: { email: "a@b.c", password: "x" } });
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({ code: "FORBIDDEN", detail: expect.stringContaining("Sign in where") });
  });
});

test("[AC13] commands and creations above their limits answer 429 with Retry-After", async () => {
  const limited = await startTestApi({
    redisUrl: inject("redisUrl"),
    access: { LIMIT_CREATIONS: "2/60", LIMIT_COMMANDS: "3/60" },
  });
  try {
    const create = (session_id: string) => limited.ask("POST", "/sessions/create", { body: { session_id } });
    expect([await create("a"), await create("b")].map(({ status }) => status)).toEqual([200, 200]);
    const refused = await create("c");
    expect([refused.status, Number(refused.headers.get("retry-after")) > 30]).toEqual([429, true]);
    expect((await create("a")).status).toBe(200); // which creates none
    const command = () => limited.ask("POST", "/replay/speed/2/a");
    for (let n = 0; n < 3; n++) expect((await command()).status).toBe(200);
    expect((await command()).status).toBe(429);
  } finally {
    await limited.stop();
  }
});

test("[AC18] reads above their limit answer 429 with Retry-After; health, pages and commands do not count", async () => {
  const limited = await startTestApi({ redisUrl: inject("redisUrl"), access: { LIMIT_READS: "3/60" } });
  try {
    await limited.ask("POST", "/sessions/create", { body: { session_id: "a" } });
    const statuses: number[] = [];
    for (const path of ["/sessions/a", "/features", "/tapes"]) statuses.push((await limited.ask("GET", path)).status);
    const refused = await limited.ask("GET", "/sessions/a");
    expect([...statuses, refused.status]).toEqual([200, 200, 200, 429]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(30);
    expect(refused.json).toMatchObject({
      code: "TOO_MANY_REQUESTS",
      message: expect.stringMatching(/^At most 3 requests in 60 s/),
    });
    for (const path of ["/health/live", "/openapi.json"]) expect((await limited.ask("GET", path)).status).toBe(200);
    expect((await limited.ask("POST", "/replay/speed/2/a")).status).toBe(200);
  } finally {
    await limited.stop();
  }
});

test("[AC19] a user's sessions are limited across all addresses", async () => {
  const limited = await startTestApi({
    redisUrl: inject("redisUrl"),
    trustedProxies: "127.0.0.1",
    access: { AUTH_JWT_SECRET: secret, MAX_SESSIONS_PER_USER: "2" },
  });
  try {
    const create = async (user: string, session_id: string, address: string) => {
      const headers = { ...(await as(user, "controller")), "x-forwarded-for": address };
      return (await limited.ask("POST", "/sessions/create", { headers, body: { session_id } })).status;
    };
    expect([await create("ada", "a", "10.0.0.1"), await create("ada", "b", "10.0.0.2")]).toEqual([200, 200]);
    expect(await create("ada", "c", "10.0.0.3")).toBe(429);
    expect(await create("ben", "c", "10.0.0.1")).toBe(200);
    const headers = await as("ada", "controller");
    expect((await limited.ask("DELETE", "/sessions/a", { headers })).status).toBe(200);
    expect(await create("ada", "d", "10.0.0.3")).toBe(200);
  } finally {
    await limited.stop();
  }
});

test("[LV87] a user's live instruments are limited, and leaving one makes room for another", async () => {
  const limited = await startTestApi({ redisUrl: inject("redisUrl"), access: { MAX_INSTRUMENTS_PER_USER: "1" } });
  try {
    const live = (session_id: string, symbol: string) =>
      limited.ask("POST", "/sessions/create", { body: { session_id, mode: "LIVE", source: "SIM", symbol } });
    expect((await live("a", "ONE")).status).toBe(200);
    expect((await live("b", "ONE")).status).toBe(200);
    const refused = await live("c", "TWO");
    expect([refused.status, refused.json]).toMatchObject([429, { code: "TOO_MANY_INSTRUMENTS" }]);
    const mode = (id: string, body: object) => limited.ask("POST", `/mode/${id}`, { body });
    expect((await mode("b", { mode: "LIVE", source: "SIM", symbol: "TWO" })).status).toBe(429);
    expect((await limited.ask("GET", "/mode/b")).json).toMatchObject({ symbol: "ONE" });
    await mode("a", { mode: "REPLAY" });
    expect((await mode("b", { mode: "LIVE", source: "SIM", symbol: "TWO" })).status).toBe(200);
    await limited.ask("DELETE", "/sessions/b");
    expect((await live("c", "THREE")).status).toBe(200);
    // Once it has no viewers for a while, another instrument may take its place.
    const { liveWanted, liveDemandsOf, liveDemandsFor } = limited.keys;
    await limited.redis.del(liveWanted, liveDemandsOf("address 127.0.0.1"), liveDemandsFor("SIM:THREE"));
    expect((await live("d", "FOUR")).status).toBe(200);
    for (const path of ["/sessions/c", "/features?session_id=c"]) {
      expect((await limited.ask("GET", path)).status).toBe(200);
    }
    expect((await limited.ask("POST", "/replay/pause/c")).status).toBe(200);
    expect((await mode("c", { mode: "LIVE", source: "SIM", symbol: "FIVE" })).status).toBe(429);
  } finally {
    await limited.stop();
  }
});

test("[AC1] with authentication off share links are refused, and any Authorization is ignored", async () => {
  const open = await startTestApi({ redisUrl: inject("redisUrl") });
  try {
    const headers = { authorization: "Bearer whatever" };
    expect((await open.ask("POST", "/sessions/create", { headers, body: { session_id: "a" } })).status).toBe(200);
    const share = await open.ask("POST", "/sessions/a/shares", { body: {} });
    expect(share.json).toMatchObject({ code: "SHARING_OFF" });
  } finally {
    await open.stop();
  }
});
