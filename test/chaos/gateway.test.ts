import { describe, expect } from "vitest";
import { test } from "../support/cluster.js";
import { now } from "../support/viewer.js";
import { Players } from "./players.js";

describe("a gateway fails under 100 watched sessions", () => {
  test("[F4] a killed gateway's clients resume elsewhere with their tokens, and none misses a frame", async ({
    cluster,
  }) => {
    const players = await Players.gather(cluster);
    await players.playedOn(now(), 1500);
    const [victim] = cluster.gateways;
    if (!victim) throw new Error("no gateway");
    const through = players.all.filter(({ viewer }) => viewer.frames.at(-1)?.gateway === victim.url);
    expect(through.length).toBeGreaterThan(players.all.length / 4);
    const fault = now();
    cluster.signal(victim, "SIGKILL");
    await players.playedOn(fault, 3000);
    for (const { viewer } of through) expect(viewer.connections).toBeGreaterThan(1);
    await players.check("SIGKILL gateway", fault);
    await players.leave();
    await cluster.whole();
  });

  test("[F5] a gateway that shuts down closes its sockets with 1012, and no client misses a frame", async ({
    cluster,
  }) => {
    const players = await Players.gather(cluster);
    await players.playedOn(now(), 1500);
    const [victim] = cluster.gateways;
    if (!victim) throw new Error("no gateway");
    const through = players.all.filter(({ viewer }) => viewer.frames.at(-1)?.gateway === victim.url);
    const gone = cluster.ended(victim);
    const fault = now();
    cluster.signal(victim, "SIGTERM");
    await gone;
    await players.playedOn(now(), 2000);
    for (const { viewer } of through) expect(viewer.closes).toContain(1012);
    await players.check("SIGTERM gateway", fault);
    await players.leave();
    await cluster.whole();
  });
});
