import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createLogger } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type AuditEntry, auditEvents, createAudit } from "./audit.js";
import { anonymous } from "./principal.js";

const prefix = `test-${crypto.randomUUID()}`;
const keys = keysWith(prefix);
const log = createLogger({ service: "test", node: "one", level: "silent" });
const ada = { userId: "ada", role: "controller", expiresMs: 0 } as const;
const entry: AuditEntry = {
  event: "command",
  action: "seek",
  principal: ada,
  address: "192.0.2.7",
  session: "s1",
  result: "ok",
};
let redis: Redis;
beforeAll(async () => {
  redis = new Redis(inject("redisUrl"));
  await redis.ping();
});
afterAll(async () => {
  await redis.del(keys.audit);
  redis.disconnect();
});

/** The output of a process that audits these entries, with one logger of each level after the other. */
function printed(
  levels: readonly string[],
  entries: readonly AuditEntry[],
): { lines: Record<string, unknown>[]; text: string } {
  const source = (path: string) => JSON.stringify(new URL(path, import.meta.url).pathname);
  const script = `
    const { readFileSync } = await import("node:fs");
    const { createLogger } = await import(${source("../../runtime/src/observability/logger.ts")});
    const { createAudit } = await import(${source("./audit.ts")});
    const entries = JSON.parse(readFileSync(0, "utf8"));
    for (const level of ${JSON.stringify(levels)}) {
      const log = createLogger({ service: "test", node: "one", level });
      const audit = createAudit({ log, redis: { status: "end" }, keys: { audit: "" }, entries: 9 });
      for (const entry of entries) audit(entry);
    }
  `;
  const args = ["--conditions=tapedeck-source", "--import=tsx", "--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", input: JSON.stringify(entries) });
  expect(stderr).toBe("");
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { lines: lines.map((line) => JSON.parse(line)), text: stdout };
}

test("[AC33] an action is one line of JSON at info, whatever LOG_LEVEL says, unless that is silent", () => {
  const { lines } = printed(["debug", "info", "error", "fatal", "silent"], [{ ...entry, requestId: "r-1" }]);
  expect(lines).toEqual(
    Array(4).fill({
      level: "info",
      time: expect.any(String),
      service: "test",
      node: "one",
      audit: true,
      event: "command",
      action: "seek",
      result: "ok",
      user: "ada",
      role: "controller",
      address: "192.0.2.7",
      session: "s1",
      request_id: "r-1",
      msg: "seek: ok",
    }),
  );
});

test("[AC33] no entry is omitted, however many come at once", () => {
  const entries = Array.from({ length: 2_000 }, (_, nth) => ({ ...entry, requestId: nth }));
  const { lines } = printed(["error"], entries);
  expect(lines.map(({ request_id }) => Number(request_id))).toEqual(entries.map(({ requestId }) => requestId));
});

test("[AC34] text of clients does not break a line, and ids that could contain a token are omitted", () => {
  const token = `eyJhbGciOiJIUzI1NiJ9.${"e".repeat(40)}.${"s".repeat(43)}`;
  const hostile = 'x\n{"level":"fatal","audit":true,"event":"command","user":"eve"}\r\u2028\u001b[2J';
  const { lines, text } = printed(
    ["info"],
    [
      { ...entry, principal: { ...ada, userId: hostile }, session: hostile, requestId: hostile, reason: hostile },
      { ...entry, session: token, requestId: token, link: token },
    ],
  );
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({ level: "info", user: hostile, reason: hostile });
  for (const line of lines) {
    for (const name of ["session", "request_id", "link"]) expect(line).not.toHaveProperty(name);
  }
  expect(text).not.toContain(token);
});

test("[AC33] an unauthenticated client is identified only by its address", () => {
  const link = {
    userId: "",
    role: "viewer",
    expiresMs: 0,
    share: { id: "l1", sessionId: "s1", createdAt: 1 },
  } as const;
  const [unauthenticated, holder] = printed(
    ["info"],
    [
      { ...entry, principal: undefined },
      { ...entry, principal: link },
    ],
  ).lines;
  for (const name of ["user", "role", "share"]) expect(unauthenticated).not.toHaveProperty(name);
  expect(holder).toMatchObject({ role: "viewer", share: "l1", address: "192.0.2.7" });
  expect(holder).not.toHaveProperty("user");
});

test("[AC35] a stream in Redis keeps approximately the configured number of newest entries, and exists only if enabled", async () => {
  createAudit({ log, redis, keys, entries: 0 })(entry);
  const audit = createAudit({ log, redis, keys, entries: 100 });
  for (let nth = 0; nth < 1_000; nth++) audit({ ...entry, principal: anonymous, requestId: nth });
  const last = async () => (await redis.xrevrange(keys.audit, "+", "-", "COUNT", 1))[0]?.[1] ?? [];
  await expect.poll(last).toContain("999");
  const length = await redis.xlen(keys.audit);
  expect(length).toBeGreaterThanOrEqual(100);
  expect(length).toBeLessThan(300); // Redis drops whole nodes of a stream, of 100 entries each
  expect(await last()).toEqual(
    Object.entries({
      service: "test",
      node: "one",
      event: "command",
      action: "seek",
      result: "ok",
      address: "192.0.2.7",
      session: "s1",
      request_id: "999",
    }).flat(),
  );
});

test("[AC33] docs/security.md describes every event", async () => {
  const page = await readFile(new URL("../../../docs/security.md", import.meta.url), "utf8");
  const [, rows = ""] = /^## The audit trail$[\s\S]*?^\| `event` \|.*$([\s\S]*?)^$/m.exec(page) ?? [];
  expect([...rows.matchAll(/^\| `(\w+)` \|/gm)].map(([, event]) => event)).toEqual([...auditEvents]);
});
