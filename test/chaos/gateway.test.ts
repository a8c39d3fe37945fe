import { describe, expect } from "vitest";
import { test } from "../support/cluster.js";
import { now } from "../support/viewer.js";
import { PlayingSessions } from "./playing-sessions.js";

describe("a gateway fails under 24 watched sessions", () => {
  test("[F4] a killed gateway's clients resume elsewhere with their tokens, and none misses a frame", async ({
    cluster,
  }) => {
    const sessions = await PlayingSessions.start(cluster);
    await sessions.untilAllPlayOn(now(), 1500);
    const [victim] = cluster.gateways;
    if (!victim) throw new Error("no gateway");
    const through = sessions.all.filter(({ viewer }) => viewer.frames.at(-1)?.gateway === victim.url);
    expect(through.length).toBeGreaterThan(sessions.all.length / 4);
    const fault = now();
    cluster.signal(victim, "SIGKILL");
    await sessions.untilAllPlayOn(fault, 3000);
    for (const { viewer } of through) expect(viewer.connections).toBeGreaterThan(1);
    await sessions.check("SIGKILL gateway", fault);
    await sessions.leave();
    await cluster.untilAllReady();
  });

  test("[F5] a gateway that shuts down closes its sockets with 1012, and no client misses a frame", async ({
    cluster,
  }) => {
    const sessions = await PlayingSessions.start(cluster);
    await sessions.untilAllPlayOn(now(), 1500);
    const [victim] = cluster.gateways;
    if (!victim) throw new Error("no gateway");
    const through = sessions.all.filter(({ viewer }) => viewer.frames.at(-1)?.gateway === victim.url);
    const gone = cluster.ended(victim);
    const fault = now();
    cluster.signal(victim, "SIGTERM");
    await gone;
    await sessions.untilAllPlayOn(now(), 2000);
    for (const { viewer } of through) expect(viewer.closes).toContain(1012);
    await sessions.check("SIGTERM gateway", fault);
    await sessions.leave();
    await cluster.untilAllReady();
  });
});
