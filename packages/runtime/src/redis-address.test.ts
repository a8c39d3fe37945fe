import { expect, test } from "vitest";
import { redisAddress, sentinelOptions } from "./redis-address.js";

test("[R20] a Redis behind Sentinel is named by its sentinels and its name there", () => {
  expect(sentinelOptions("redis+sentinel://a:26380,b/tapedeck")).toEqual({
    name: "tapedeck",
    sentinels: [
      { host: "a", port: 26_380 },
      { host: "b", port: 26_379 },
    ],
    db: 0,
  });
  expect(sentinelOptions("rediss+sentinel://ada:p%40ss@a:1/main?db=2&sentinel_password=secret")).toMatchObject({
    name: "main",
    db: 2,
    username: "ada",
    password: "p@ss",
    sentinelPassword: "secret",
    enableTLSForSentinelMode: true,
  });
  expect(sentinelOptions("redis://localhost:6379")).toBeUndefined();
  for (const wrong of ["http://a", "redis+sentinel://a:1", "redis+sentinel:///tapedeck", "sentinel://a/b"]) {
    expect([wrong, redisAddress.test(wrong)]).toEqual([wrong, false]);
  }
});
