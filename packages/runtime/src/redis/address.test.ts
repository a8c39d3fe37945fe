import { expect, test } from "vitest";
import { clusterAddress, isRedisAddress, sentinelOptions } from "./address.js";

test("[R24] a Redis behind Sentinel is addressed by its sentinels and its name there", () => {
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
    expect([wrong, isRedisAddress(wrong)]).toEqual([wrong, false]);
  }
});

test("[R24] a Redis Cluster is addressed by some of its nodes and has no databases", () => {
  expect(clusterAddress("redis+cluster://a:7000,b")).toEqual({
    nodes: [
      { host: "a", port: 7000 },
      { host: "b", port: 6379 },
    ],
    options: {},
  });
  expect(clusterAddress("rediss+cluster://ada:p%40ss@a:1")).toEqual({
    nodes: [{ host: "a", port: 1 }],
    options: { tls: {}, username: "ada", password: "p@ss" },
  });
  expect(clusterAddress("redis://localhost:6379")).toBeUndefined();
  expect(sentinelOptions("redis+cluster://a:7000")).toBeUndefined();
  for (const wrong of ["redis+cluster://", "redis+cluster://a:7000/1", "redis+cluster://a?db=1", "cluster://a"]) {
    expect([wrong, isRedisAddress(wrong)]).toEqual([wrong, false]);
  }
});
