import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { startRedisServer } from "../../../../test/support/redis-server.js";
import { readConfig } from "../node/config.js";
import { commonEnv } from "../node/settings.js";
import { printable, printableLines, redactAddress, redactText, stripCredentials } from "./safe-text.js";

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
  // Malformed, but an error message quotes it all the same.
  ["redis://:hunter2@hunter2/hunter2#hunter2@h", "redis://***@h", "redis://h"],
] as const;

test.each(addresses)("[R34] %s is shown without its password", (address, shown, bare) => {
  expect(redactAddress(address)).toBe(shown);
  expect(stripCredentials(address)).toBe(bare);
});

test("[R34] redacting a text removes the passwords of all addresses in it, and nothing else", () => {
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

test("[R34] an invalid REDIS_URL is refused before anything connects, without showing its password", () => {
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

test("[R34] a Redis error is logged without the command's arguments, which may contain a password", async () => {
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

test("[R34] an address in a log line is written without its password, in every field", () => {
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

/** Texts in which every kind of character that a terminal acts on is common. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\u001b]52;c;cm0gLXJm\u0007",
        "\u001b[2J",
        "\u009b31m",
        "\r",
        "\n",
        "\t",
        "\u007f",
        "\u202e",
        "\u2066",
      ),
      fc.constantFrom(
        "\u2028",
        "\u200b",
        "\ufeff",
        "\u00ad",
        "\u{e0041}",
        "\ud800",
        "\u0000",
        "BTCUSDT",
        "ä",
        "比特币",
        "📼",
      ),
      fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
      fc.string({ unit: "binary" }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

const actedOn = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

test("[R37] no text keeps anything that a terminal acts on", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(printable(text)).not.toMatch(actedOn);
      expect(printableLines(text).replace(/[\n\t]/g, "")).not.toMatch(actedOn);
      expect(printableLines(text).split("\n")).toHaveLength(text.split("\n").length);
    }),
    { numRuns: 2000 },
  );
});

test("[R37] JSON keeps its meaning, and text in any language keeps its look", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(JSON.parse(printableLines(JSON.stringify({ text }, undefined, 2)))).toEqual({ text });
      const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "");
      expect(printable(plain)).toBe(plain);
    }),
    { numRuns: 2000 },
  );
});

test("[R37] an escape sequence is shown as text", () => {
  expect(printable("a\u001b[31mb\nc")).toBe("a\\u001b[31mb\\u000ac");
  expect(printableLines("a\u001b[31mb\nc\td")).toBe("a\\u001b[31mb\nc\td");
  expect(printable("\u202etxt.exe \u{e0041}")).toBe("\\u202etxt.exe \\udb40\\udc41");
});
