import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import { startRedisServer } from "../../../../test/support/redis-server.js";
import { readConfig } from "../node/config.js";
import { commonEnv } from "../node/settings.js";
import { redactAddress, redactText, stripCredentials } from "./redact.js";

const addresses = [
  ["redis://:hunter2@h:6379", "redis://***@h:6379", "redis://h:6379"],
  ["rediss://ada:hunter2@h:6379/1", "rediss://***@h:6379/1", "rediss://h:6379/1"],
  [
    "redis+sentinel://ada:hunter2@a:1,b:2/main?sentinel_password=hunter2&db=1",
    "redis+sentinel://***@a:1,b:2/main?sentinel_password=***&db=1",
    "redis+sentinel://a:1,b:2/main?db=1",
  ],
  [
    "redis+sentinel://a/main?db=1&sentinel_password=hunter2",
    "redis+sentinel://a/main?db=1&sentinel_password=***",
    "redis+sentinel://a/main?db=1",
  ],
  ["redis://h?password=hunter2", "redis://h?password=***", "redis://h"],
  ["redis://h:6379", "redis://h:6379", "redis://h:6379"],
  // Malformed, and quoted in a complaint all the same.
  ["redis://:hunter2@hunter2/hunter2#hunter2@h", "redis://***@h", "redis://h"],
] as const;

test.each(addresses)("[R34] %s is shown without its password", (address, shown, bare) => {
  expect(redactAddress(address)).toBe(shown);
  expect(stripCredentials(address)).toBe(bare);
});

test("[R34] a text loses the passwords of all addresses in it, and nothing else", () => {
  expect(redactText('"a redis://u:hunter2@h:1, b http://:hunter2@hunter2@p:8080/x" c?sentinel_password=hunter2')).toBe(
    '"a redis://***@h:1, b http://***@p:8080/x" c?sentinel_password=***',
  );
  const harmless =
    "at file:///a/node_modules/@scope/b.js:1:2 http://localhost:8000/tapes/demo@1/overview a@b.c s3://b/p";
  expect(redactText(harmless)).toBe(harmless);
  const long = `//${":".repeat(20_000)}`;
  const start = performance.now();
  redactText(long);
  expect(performance.now() - start).toBeLessThan(1_000);
});

test("[R34] a REDIS_URL that cannot be read is refused before anything connects, without its password", () => {
  const env = z.object(commonEnv);
  const wrong = [
    "redis://user:hunter2@hunter2/hun#ter@127.0.0.1:1",
    "redis://:hunter2/x@127.0.0.1:1",
    "redis://user:123/hunter2@127.0.0.1",
    "redis://:hunter2%ZZ@127.0.0.1:1",
    "redis://u:hunter2@127.0.0.1:99999",
    "redis+sentinel://u:hunter2%ZZ@127.0.0.1:1/m",
    "redis+sentinel://h/NAME/x?sentinel_password=hunter2",
    "redis+cluster://u:hunter2@x@127.0.0.1:1",
    "redis://u:hun ter2@h",
  ];
  for (const REDIS_URL of wrong) {
    expect(() => readConfig("api", env, { REDIS_URL }), REDIS_URL).toThrow(/^api cannot start: 1 problem.*\n.*%40/);
    expect(() => readConfig("api", env, { REDIS_URL }), REDIS_URL).not.toThrow(/hun/);
  }
  const right = [
    "redis://u:p%40%2F%25@h:1/2",
    "rediss://h",
    "redis://[::1]:6379",
    "redis://h/?family=6",
    "redis+sentinel://u:p@a:1,b/m?sentinel_password=x%40",
    "rediss+cluster://u:p%40@a,b:2",
  ];
  for (const REDIS_URL of right) expect(readConfig("api", env, { REDIS_URL }).REDIS_URL).toBe(REDIS_URL);
});

test("[R34] an error of Redis is written without what was sent, which may have been a password", async () => {
  const guarded = await startRedisServer(["--requirepass", "another"]);
  const logger = JSON.stringify(new URL("./logger.ts", import.meta.url).pathname);
  const script = `
    const { createLogger } = await import(${logger});
    const { Redis } = await import("ioredis");
    const log = createLogger({ service: "test", node: "one", level: "info" });
    const redis = new Redis(${JSON.stringify(guarded.url.replace("//", "//default:hunter2@"))}, { maxRetriesPerRequest: 0, protocol: 3 });
    redis.on("error", (err) => log.warn({ err, nested: { err } }, "connection"));
    await redis.ping().catch((err) => log.warn({ err }, "command"));
    await redis.call("AUTH", "default", "hunter2").catch((err) => log.warn({ err }, "AUTH"));
    redis.disconnect();
  `;
  try {
    const args = ["--conditions=tapedeck-source", "--import=tsx", "--input-type=module", "-e", script];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect(stderr).toBe("");
    expect(stdout).toContain("WRONGPASS");
    expect(stdout).toContain('"msg":"command"');
    expect(stdout).not.toMatch(/hunter2|previousErrors|"raw"/);
  } finally {
    await guarded.stop();
  }
});

test("[R34] an address in a line of the log is written without its password, in whatever field", () => {
  const logger = JSON.stringify(new URL("./logger.ts", import.meta.url).pathname);
  const script = `
    const { createLogger } = await import(${logger});
    const log = createLogger({ service: "test", node: "one", level: "info" });
    const error = Object.assign(new Error("connect ENOENT //u:hunter2@x@127.0.0.1:1"), { input: "redis://u:hunter2@h:1" });
    log.warn({ err: error, url: "redis://u:hunter2@h:1/demo@1" }, "no redis://:hunter2@h");
  `;
  const args = ["--conditions=tapedeck-source", "--import=tsx", "--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).not.toContain("hunter2");
  expect(JSON.parse(stdout)).toMatchObject({ msg: "no redis://***@h", url: "redis://***@h:1/demo@1" });
});
