import { readFile } from "node:fs/promises";
import { decodeRecord } from "@tapedeck/sessions";
import { describe, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";

const ttlSeconds = 4;

/** Sessions that live for four seconds without socket or command. */
const test = testOnCluster(() => ({ env: { all: { SESSION_TTL_S: `${ttlSeconds}` } } }));

describe("keys as operators see them", () => {
  test("[C30] [C31] a deleted session's sockets close with 4404 on every gateway, and its keys are removed", async ({
    cluster,
  }) => {
    const { id, viewers } = await cluster.watched({});
    await Promise.all(viewers.map((viewer) => viewer.next(5)));
    expect((await cluster.keysOf(id)).length).toBeGreaterThan(0);
    await cluster.http.delete(id);
    for (const viewer of viewers) {
      await viewer.until(() => viewer.closed !== undefined, "the close");
      expect(viewer.closed?.code).toBe(4404);
    }
    expect(await cluster.http.refused("GET", `/sessions/${id}`)).toEqual({ status: 404, code: "SESSION_NOT_FOUND" });
    expect(await cluster.http.refused("DELETE", `/sessions/${id}`)).toEqual({ status: 404, code: "SESSION_NOT_FOUND" });
    await cluster.until(async () => (await cluster.keysOf(id)).length === 0, "all keys of the session to go");
    await cluster.until(async () => !(await cluster.indexed(id)), "the index to forget the session");
  });

  test("[C31] an expired session's keys are removed, and one with a socket does not expire", async ({ cluster }) => {
    const kept = await cluster.watched({});
    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    const stats = await cluster.http.get("/sessions/stats");
    await cluster.until(async () => (await cluster.keysOf(id)).length === 0, "all keys of the session to go", 20_000);
    await cluster.until(async () => !(await cluster.indexed(id)), "the index to forget the session", 20_000);
    expect(await cluster.http.refused("GET", `/sessions/${id}`)).toEqual({ status: 404, code: "SESSION_NOT_FOUND" });
    expect((await cluster.http.session(kept.id)).state).toBe("PLAYING");
    const after = await cluster.http.get("/sessions/stats");
    expect(Number(Object(after.body).expired_total)).toBeGreaterThan(Number(Object(stats.body).expired_total));
    await kept.viewers[0]?.next(2);
    await cluster.end(kept);
  });

  test("[C32] a session's hash is readable, documented, and its TTL counts down", async ({ cluster }) => {
    const { session_id: id } = await cluster.http.create({ tape: "usdm", speed: 2.5 });
    const hash = await cluster.redis.hgetall(cluster.keys.session(id));
    expect(decodeRecord(hash)).toMatchObject({ id, mode: "REPLAY", state: "STOPPED", speed: 2.5 });
    for (const value of Object.values(hash)) expect(value).toMatch(/^[\x20-\x7e]*$/);
    const keyspace = await readFile(new URL("../../docs/keyspace.md", import.meta.url), "utf8");
    for (const field of Object.keys(hash))
      expect(keyspace, `docs/keyspace.md names ${field}`).toContain(`\`${field}\``);

    const ttl = () => cluster.redis.pttl(cluster.keys.session(id));
    const before = await ttl();
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThanOrEqual(ttlSeconds * 1000);
    await cluster.until(async () => (await ttl()) < before - 300, "the TTL to count down");
    await cluster.http.session(id); // reading does not renew it
    expect(await ttl()).toBeLessThan(before - 300);
    await cluster.http.control(id, "pause"); // a command does
    expect(await ttl()).toBeGreaterThan(before - 300);
    await cluster.http.delete(id);
  });
});
