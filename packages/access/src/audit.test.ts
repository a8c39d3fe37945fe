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
const act: AuditEntry = {
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

/** What a process prints that keeps an audit trail of these acts. */
function printed(level: string, acts: readonly AuditEntry[]): { lines: Record<string, unknown>[]; text: string } {
  const source = (path: string) => JSON.stringify(new URL(path, import.meta.url).pathname);
  const script = `
    const { readFileSync } = await import("node:fs");
    const { createLogger } = await import(${source("../../runtime/src/logger.ts")});
    const { createAudit } = await import(${source("./audit.ts")});
    const log = createLogger({ service: "test", node: "one", level: ${JSON.stringify(level)} });
    const audit = createAudit({ log, redis: { status: "end" }, keys: { audit: "" }, entries: 9 });
    for (const act of JSON.parse(readFileSync(0, "utf8"))) audit(act);
  `;
  const args = ["--conditions=tapedeck-source", "--import=tsx", "--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", input: JSON.stringify(acts) });
  expect(stderr).toBe("");
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { lines: lines.map((line) => JSON.parse(line)), text: stdout };
}

test("[AC33] an act is one line of JSON at info, whatever LOG_LEVEL says", () => {
  for (const level of ["debug", "info", "error", "fatal"]) {
    const { lines } = printed(level, [{ ...act, requestId: "r-1" }]);
    expect(lines).toEqual([
      {
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
      },
    ]);
  }
  expect(printed("silent", [act]).text).toBe("");
});

test("[AC33] none is left out, however many come at once", () => {
  const acts = Array.from({ length: 2_000 }, (_, nth) => ({ ...act, requestId: nth }));
  const { lines } = printed("error", acts);
  expect(lines.map(({ request_id }) => Number(request_id))).toEqual(acts.map(({ requestId }) => requestId));
});

test("[AC34] clients' words break no line, and ids that could hold a token are left out", () => {
  const token = `eyJhbGciOiJIUzI1NiJ9.${"e".repeat(40)}.${"s".repeat(43)}`;
  const hostile = 'x\n{"level":"fatal","audit":true,"event":"command","user":"eve"}\r\u2028\u001b[2J';
  const { lines, text } = printed("info", [
    { ...act, principal: { ...ada, userId: hostile }, session: hostile, requestId: hostile, reason: hostile },
    { ...act, session: token, requestId: token, link: token },
  ]);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({ level: "info", user: hostile, reason: hostile });
  for (const line of lines) {
    for (const name of ["session", "request_id", "link"]) expect(line).not.toHaveProperty(name);
  }
  expect(text).not.toContain(token);
});

test("[AC33] who is unknown is known by the address alone", () => {
  const link = {
    userId: "",
    role: "viewer",
    expiresMs: 0,
    share: { id: "l1", sessionId: "s1", createdAt: 1 },
  } as const;
  const [nobody, holder] = printed("info", [
    { ...act, principal: undefined },
    { ...act, principal: link },
  ]).lines;
  for (const name of ["user", "role", "share"]) expect(nobody).not.toHaveProperty(name);
  expect(holder).toMatchObject({ role: "viewer", share: "l1", address: "192.0.2.7" });
  expect(holder).not.toHaveProperty("user");
});

test("[AC35] a stream in Redis keeps about so many of the newest entries, and is not there unless asked for", async () => {
  createAudit({ log, redis, keys, entries: 0 })(act);
  const audit = createAudit({ log, redis, keys, entries: 100 });
  for (let nth = 0; nth < 1_000; nth++) audit({ ...act, principal: anonymous, requestId: nth });
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

test("[AC33] the guide says what each event is", async () => {
  const guide = await readFile(new URL("../../../docs/security.md", import.meta.url), "utf8");
  const [, rows = ""] = /^## The audit trail$[\s\S]*?^\| `event` \|.*$([\s\S]*?)^$/m.exec(guide) ?? [];
  expect([...rows.matchAll(/^\| `(\w+)` \|/gm)].map(([, event]) => event)).toEqual([...auditEvents]);
});
