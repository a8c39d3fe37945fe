import { expect, test } from "vitest";
import { z } from "zod";
import { ConfigError, commaList, commonEnv, millis, onOff, readConfig } from "../index.js";

const shape = z.object({
  ...commonEnv,
  REDIS_URL: z
    .string()
    .regex(/^redis:/, "is no Redis address")
    .meta({ example: "redis://localhost:6379" }),
  DRAIN_MS: millis.default(20_000),
  GUESS: onOff.default(false),
  ORIGINS: commaList.default([]),
});

function problemsOf(env: NodeJS.ProcessEnv): string {
  try {
    readConfig("gateway", shape, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("the environment was accepted");
}

test("[R1] all problems of an environment are reported at once, by name, with the value or an example", () => {
  expect(problemsOf({ DRAIN_MS: "20s", LOG_LEVEL: "loud" }).split("\n")).toEqual([
    "gateway cannot start: 3 problems in its environment",
    "  REDIS_URL  missing; for example redis://localhost:6379",
    '  LOG_LEVEL  "loud" is not one of trace, debug, info, warn, error, fatal, silent',
    '  DRAIN_MS   "20s" is not a whole number of milliseconds from 0 to 86400000',
  ]);
});

test("[R1] a single problem is reported in the singular", () => {
  expect(problemsOf({ REDIS_URL: "redis://x", GUESS: "maybe" }).split("\n")).toEqual([
    "gateway cannot start: 1 problem in its environment",
    '  GUESS  "maybe" is neither on nor off',
  ]);
});

test("[R2] an empty variable takes its default, and the configuration is typed and frozen", () => {
  const config = readConfig("gateway", shape, {
    REDIS_URL: " redis://localhost ",
    DRAIN_MS: "",
    GUESS: "on",
    ORIGINS: "https://a.example, https://b.example,",
    UNRELATED: "1",
  });
  expect(config).toMatchObject({ DRAIN_MS: 20_000, GUESS: true, PORT: 0, TICKER_QUEUES: 4, CACHE_MB: 128 });
  expect(config.REDIS_URL).toBe("redis://localhost");
  expect(config.ORIGINS).toEqual(["https://a.example", "https://b.example"]);
  expect(config).not.toHaveProperty("UNRELATED");
  expect(Object.isFrozen(config)).toBe(true);
});

test("[R2] two processes on one machine have different node ids", () => {
  const read = () => readConfig("gateway", z.object(commonEnv), {}).NODE_ID;
  expect(read()).not.toBe(read());
});

test("[R3] a password in a refused address is not shown", () => {
  expect(problemsOf({ REDIS_URL: "https://tapedeck:hunter2@redis.example" })).toContain(
    '"https://***@redis.example" is no Redis address',
  );
});
