import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RefusedError } from "@tapedeck/protocol";
import { createLogger } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { Redis } from "ioredis";
import { base64url, exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { createAccess } from "./access.js";
import { accessEnv, checkExposure, openAccessPhrase } from "./config.js";
import { defaultQuotas, quotasOf } from "./quotas.js";
import { tokenOf } from "./token.js";

const secret = "a secret of at least thirty-two bytes";
const WITHOUT_AUDIENCE = "tokens-for-other-services-are-accepted";
const prefix = `test-${crypto.randomUUID()}`;
const keys = keysWith(prefix);
const log = createLogger({ service: "test", node: "test", level: "silent" });
let redis: Redis;
beforeAll(() => {
  redis = new Redis(inject("redisUrl"));
});
afterAll(async () => {
  const left = await redis.keys(`${prefix}:*`);
  if (left.length > 0) await redis.del(...left);
  redis.disconnect();
});

function configOf(env: NodeJS.ProcessEnv) {
  return { ...z.object(accessEnv).parse(env), HOST: "127.0.0.1", TAPEDECK_PREFIX: prefix };
}
const accessOf = (env: NodeJS.ProcessEnv) => createAccess("test", configOf(env), { redis, keys, log });
const users = () => accessOf({ AUTH_JWT_SECRET: secret }).users;

interface Claims {
  sub?: string;
  role?: unknown;
  exp?: number | undefined;
  iss?: string;
  aud?: string;
}
function sign(claims: Claims, { key = secret, alg = "HS256", typ = "JWT" } = {}): Promise<string> {
  return new SignJWT({ sub: "ada", exp: Math.floor(Date.now() / 1000) + 60, ...claims })
    .setProtectedHeader({ alg, typ })
    .sign(new TextEncoder().encode(key));
}

async function refusalOf(identifying: Promise<unknown>): Promise<string> {
  const error: unknown = await identifying.then(
    () => new Error("the token was accepted"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RefusedError)) throw error;
  return `${error.code}: ${error.message}`;
}

describe("a token", () => {
  test("[AC3] identifies its holder, role and expiry", async () => {
    const exp = Math.floor(Date.now() / 1000) + 60;
    expect(await users().identify(await sign({ exp, role: "admin" }))).toEqual({
      userId: "ada",
      role: "admin",
      expiresMs: exp * 1000,
    });
    expect(await users().identify(await sign({}))).toMatchObject({ role: "viewer" });
    const set = accessOf({ AUTH_JWT_SECRET: secret, AUTH_DEFAULT_ROLE: "controller" });
    expect(await set.users.identify(await sign({}))).toMatchObject({ role: "controller" });
    expect(await users().identify(await sign({ role: ["viewer", "controller", "other"] }))).toMatchObject({
      role: "controller",
    });
  });

  const past = Math.floor(Date.now() / 1000) - 60;
  const wrong: [what: string, token: () => Promise<string> | string, why: string][] = [
    ["missing", () => "", "Invalid token: it is malformed."],
    ["garbage", () => "not.a.token", "Invalid token: it is malformed."],
    ["too long", () => "a".repeat(9_000), "Invalid token: it is too long."],
    ["expired", () => sign({ exp: past }), "Invalid token: it has expired."],
    [
      "signed with another secret",
      () => sign({}, { key: "another secret of thirty-two bytes" }),
      "its signature is invalid.",
    ],
    ["tampered with", async () => tampered(await sign({})), "its signature is invalid."],
    ["unsigned", () => unsigned(), "its algorithm is not accepted."],
    ["of another algorithm", () => sign({}, { alg: "HS512", key: secret.repeat(2) }), "its algorithm is not accepted"],
    ["without an expiry", () => sign({ exp: undefined }), "its exp is not accepted."],
    ["with a numeric sub", () => sign(JSON.parse('{"sub":7}')), "its sub must be a text of 1 to 200 characters."],
    ["with an empty sub", () => sign({ sub: "" }), "its sub must be a text of 1 to 200 characters."],
    ["with an unknown role", () => sign({ role: "root" }), "its role must be viewer, controller, admin."],
  ];
  test.each(wrong)("[AC3] [AC4] that is %s is refused with the rule that it breaks", async (_, token, why) => {
    const refusal = await refusalOf(users().identify(await token()));
    expect(refusal).toMatch(/^UNAUTHORIZED: /);
    expect(refusal).toContain(why);
    expect(refusal).not.toContain(secret);
  });

  test("[AC3] must have the configured issuer and audience", async () => {
    const { users } = accessOf({ AUTH_JWT_SECRET: secret, AUTH_ISSUER: "https://login", AUTH_AUDIENCE: "tapedeck" });
    expect(await users.identify(await sign({ iss: "https://login", aud: "tapedeck" }))).toMatchObject({
      userId: "ada",
    });
    expect(await refusalOf(users.identify(await sign({ iss: "https://login", aud: "other" })))).toContain("its aud is");
    expect(await refusalOf(users.identify(await sign({ iss: "https://evil", aud: "tapedeck" })))).toContain(
      "its iss is",
    );
  });

  test("[AC3] is verified with the public key, which cannot be used as a secret", async () => {
    const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "RS256", use: "sig" };
    const server = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { users } = accessOf({
        AUTH_JWKS_URL: `http://127.0.0.1:${portOf(server.address())}/keys`,
        WITHOUT_AUDIENCE,
      });
      const good = new SignJWT({ sub: "ada" }).setProtectedHeader({ alg: "RS256", kid: "one" }).setExpirationTime("1m");
      expect(await users.identify(await good.sign(privateKey))).toMatchObject({ userId: "ada", role: "viewer" });
      const confused = new SignJWT({ sub: "ada" })
        .setProtectedHeader({ alg: "HS256", kid: "one" })
        .setExpirationTime("1m");
      const asSecret = new TextEncoder().encode(JSON.stringify(jwk));
      expect(await refusalOf(users.identify(await confused.sign(asSecret)))).toContain("its algorithm is not accepted");
    } finally {
      server.close();
    }
    const { users: lost } = accessOf({ AUTH_JWKS_URL: "http://127.0.0.1:1/keys", WITHOUT_AUDIENCE });
    expect(await refusalOf(lost.identify(await sign({}, { alg: "HS256" })))).toContain("its algorithm");
  });

  test("[AC3] signed with a withdrawn key is refused within AUTH_JWKS_MAX_AGE_S", async () => {
    const pairs = await Promise.all([1, 2].map(() => generateKeyPair("ES256", { extractable: true })));
    const jwks = await Promise.all(
      pairs.map(async ({ publicKey }, at) => ({ ...(await exportJWK(publicKey)), kid: `${at}`, alg: "ES256" })),
    );
    let published = jwks;
    const server = createServer((_, response) => response.end(JSON.stringify({ keys: published })));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const AUTH_JWKS_URL = `http://127.0.0.1:${portOf(server.address())}/keys`;
      const { users } = accessOf({ AUTH_JWKS_URL, AUTH_JWKS_MAX_AGE_S: "1", WITHOUT_AUDIENCE });
      const tokens = await Promise.all(
        pairs.map(({ privateKey }, at) =>
          new SignJWT({ sub: "ada" })
            .setProtectedHeader({ alg: "ES256", kid: `${at}` })
            .setExpirationTime("1m")
            .sign(privateKey),
        ),
      );
      for (const token of tokens) expect(await users.identify(token)).toMatchObject({ userId: "ada" });
      published = jwks.slice(1);
      const first = () => users.identify(tokens[0]).then(() => "", String);
      await expect.poll(first, { timeout: 5_000 }).toContain("its signing key is unknown");
      expect(await users.identify(tokens[1])).toMatchObject({ userId: "ada" });
    } finally {
      server.close();
    }
  });

  test("[AC1] is ignored with authentication off", async () => {
    const { users } = accessOf({});
    expect(users.required).toBe(false);
    expect(await users.identify("whatever")).toMatchObject({ role: "admin", userId: "" });
    expect(await users.identify(undefined)).toMatchObject({ role: "admin", userId: "" });
  });

  test("[AC5] is read from header, subprotocol or cookie", () => {
    expect(tokenOf({ authorization: "Bearer a.b.c" })).toEqual({ token: "a.b.c", from: "header" });
    expect(tokenOf({ protocols: "tapedeck.v1, tapedeck.token.a.b-c_d" })).toEqual({
      token: "a.b-c_d",
      from: "subprotocol",
    });
    expect(tokenOf({ cookie: "x=1; tapedeck_token=a.b.c" })).toEqual({ token: "a.b.c", from: "cookie" });
    expect(tokenOf({ authorization: "Basic abc", protocols: "tapedeck.v1", cookie: "token=1" })).toBeUndefined();
  });
});

describe("a share link", () => {
  const links = { AUTH_JWT_SECRET: secret, SHARE_SECRET: "another secret of at least thirty-two bytes" };
  const session = { id: "s1", userId: "ada", createdAt: 1_000 };

  test("[AC11] opens its session with its role until it expires or is revoked", async () => {
    const { users, shares } = accessOf(links);
    const made = await shares?.create(session, "ada", { role: "viewer", seconds: 60 });
    expect(await users.identify(made?.token)).toMatchObject({
      userId: "",
      role: "viewer",
      share: { sessionId: "s1", createdAt: 1_000 },
    });
    expect(await shares?.list("s1")).toMatchObject([{ id: made?.id, role: "viewer", createdBy: "ada" }]);
    expect(await redis.ttl(keys.shares("s1"))).toBeGreaterThan(50);

    expect(await shares?.revoke("s1", made?.id ?? "")).toBe(true);
    expect(await shares?.revoke("s1", made?.id ?? "")).toBe(false);
    expect(await refusalOf(users.identify(made?.token))).toBe("UNAUTHORIZED: The share link has been revoked.");
  });

  test("[AC11] is never accepted as a user's token, nor a user's token as a link", async () => {
    const { users } = accessOf(links);
    const forged = await sign({ role: "viewer" }, { typ: "tapedeck-share" });
    expect(await refusalOf(users.identify(forged))).toContain("its signature is invalid");
    const none = accessOf({ AUTH_JWT_SECRET: secret }).users;
    expect(await refusalOf(none.identify(forged))).toContain("share links are not enabled");
  });
});

describe("rate limits", () => {
  test("[AC13] count across nodes, by user or else by address, and refuse with the time to wait", async () => {
    const nodes = [accessOf({ LIMIT_COMMANDS: "3/60" }), accessOf({ LIMIT_COMMANDS: "3/60" })];
    const command = (at: number, userId: string, address: string) =>
      nodes[at]?.rateLimiter.count("commands", { userId }, address);
    for (let n = 0; n < 3; n++) await command(n % 2, "ada", `10.0.0.${n}`);
    const refused: unknown = await command(1, "ada", "10.0.0.9")?.catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "TOO_MANY_REQUESTS", status: 429 });
    expect(refused instanceof RefusedError && refused.retryAfter).toBeGreaterThan(50);
    await command(0, "ben", "10.0.0.9");
    for (let n = 0; n < 3; n++) await command(n % 2, "", "10.1.1.1");
    await expect(command(0, "", "10.1.1.1")).rejects.toThrow("At most 3 commands in 60 s");
    await command(0, "", "10.1.1.2");
    expect(nodes[0]?.rateLimiter.isLimited("creations")).toBe(false);
  });

  test("[AC13] apply on each node while Redis is unavailable", async () => {
    const unavailable = new Redis({
      host: "127.0.0.1",
      port: 1,
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    unavailable.on("error", () => {}); // the failure is intended
    const { rateLimiter } = createAccess("test", configOf({ LIMIT_CREATIONS: "2/60" }), {
      redis: unavailable,
      keys,
      log,
    });
    const create = () => rateLimiter.count("creations", { userId: "ada" }, "");
    await create();
    await create();
    await expect(create()).rejects.toThrow("At most 2 new sessions in 60 s");
    unavailable.disconnect();
  });
});

describe("quotas", () => {
  const quotas = (env: NodeJS.ProcessEnv, HOST: string) => quotasOf({ ...configOf(env), HOST });

  test("[AC17] have defaults on a service that others can reach, and only limit sockets on the loopback address", () => {
    expect(quotas({}, "0.0.0.0")).toEqual(defaultQuotas);
    expect(quotas({}, "127.0.0.1")).toEqual({ socketsPerAddress: 10_000, actionsPerSession: 20_000, rates: {} });
    const set = quotas({ MAX_SESSIONS: "9", MAX_SESSIONS_PER_USER: "0", LIMIT_READS: "5/1" }, "::");
    expect(set).toMatchObject({ sessions: 9, sessionsPerAddress: 1000, instrumentsPerUser: 20 });
    expect(set.sessionsPerUser).toBeUndefined();
    expect(set.rates).toEqual({ reads: { points: 5, seconds: 1 }, creations: { points: 600, seconds: 60 } });
    expect(quotas({ MAX_INSTRUMENTS_PER_USER: "3" }, "localhost").instrumentsPerUser).toBe(3);
    expect(quotas({ MAX_ACTIONS_PER_SESSION: "0" }, "localhost").actionsPerSession).toBeUndefined();
  });
});

describe("a service that others can reach", () => {
  const start = (env: NodeJS.ProcessEnv, HOST: string) => () => checkExposure("gateway", { ...configOf(env), HOST });

  test("[AC2] does not start without authentication, unless the confirming phrase is set", () => {
    for (const host of ["0.0.0.0", "::", "192.168.1.2", "tapedeck.example.com"]) {
      expect(start({}, host)).toThrow(`HOST is ${host}, which others can reach`);
      expect(start({ WITHOUT_AUTHENTICATION: openAccessPhrase }, host)).not.toThrow();
      expect(start({ AUTH_JWT_SECRET: secret }, host)).not.toThrow();
    }
    for (const host of ["127.0.0.1", "127.0.0.2", "::1", "localhost"]) expect(start({}, host)).not.toThrow();
    expect(() => configOf({ WITHOUT_AUTHENTICATION: "yes" })).toThrow();
    expect(start({ AUTH_JWT_SECRET: secret, WITHOUT_AUTHENTICATION: openAccessPhrase }, "::")).toThrow(
      "unset one of them",
    );
    expect(start({ AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: "https://login/keys" }, "::")).toThrow("both set");
  });

  test("[AC2] is open until a token key is set, if the phrase says so", () => {
    const WITHOUT_AUTHENTICATION = `${openAccessPhrase}-unless-a-key-is-set`;
    expect(start({ WITHOUT_AUTHENTICATION }, "0.0.0.0")).not.toThrow();
    expect(start({ WITHOUT_AUTHENTICATION, AUTH_JWT_SECRET: secret }, "0.0.0.0")).not.toThrow();
    expect(accessOf({ WITHOUT_AUTHENTICATION }).users.required).toBe(false);
    expect(accessOf({ WITHOUT_AUTHENTICATION, AUTH_JWT_SECRET: secret }).users.required).toBe(true);
  });

  test("[AC16] does not accept tokens for other services, unless the confirming phrase is set", () => {
    const keys = { AUTH_JWKS_URL: "https://login.example.com/keys" };
    expect(start(keys, "::")).toThrow("AUTH_JWKS_URL is set without AUTH_AUDIENCE");
    expect(start(keys, "127.0.0.1")).toThrow("without AUTH_AUDIENCE");
    expect(start({ ...keys, AUTH_AUDIENCE: "tapedeck" }, "::")).not.toThrow();
    expect(start({ ...keys, WITHOUT_AUDIENCE }, "::")).not.toThrow();
    expect(() => configOf({ ...keys, WITHOUT_AUDIENCE: "yes" })).toThrow(
      "must be tokens-for-other-services-are-accepted",
    );
  });

  test("[AC16] fetches keys by http only from the loopback address", () => {
    for (const host of ["127.0.0.1:9", "localhost", "[::1]:9"]) configOf({ AUTH_JWKS_URL: `http://${host}/keys` });
    for (const host of ["login.example.com", "10.0.0.1", "127.0.0.1.example.com"]) {
      expect(() => configOf({ AUTH_JWKS_URL: `http://${host}/keys` })).toThrow(
        "must be https; http is accepted on the",
      );
    }
  });

  test("[AC2] refuses a short secret and a malformed limit", () => {
    expect(() => configOf({ AUTH_JWT_SECRET: "secret" })).toThrow("must have at least 32 characters");
    expect(() => configOf({ LIMIT_COMMANDS: "100" })).toThrow("must be a count and seconds such as 100/10");
  });
});

function tampered(token: string): string {
  const [head, , signature] = token.split(".");
  return [head, base64url.encode(JSON.stringify({ sub: "ben", exp: 4_000_000_000 })), signature].join(".");
}

function unsigned(): string {
  const part = (value: object) => base64url.encode(JSON.stringify(value));
  return `${part({ alg: "none" })}.${part({ sub: "ada", exp: 4_000_000_000 })}.`;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the server does not listen on a port");
  return address.port;
}
