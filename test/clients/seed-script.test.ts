import { checkFrame } from "@tapedeck/protocol";
import { describe, expect } from "vitest";
import { z } from "zod";
import { test } from "../support/cluster.js";
import { SeedScript } from "./seed-script.js";

const created = z.looseObject({ status: z.literal("success"), session_id: z.uuid() });
const session = z.looseObject({
  session: z.looseObject({
    session_id: z.string(),
    mode: z.string(),
    active_symbol: z.string().nullable(),
    controller_state: z.looseObject({ state: z.string(), speed: z.number() }),
    buffer_size: z.int(),
    created_at: z.string(),
    last_activity: z.string(),
  }),
});

describe("the seed document's test script", () => {
  test("[EC8] creates sessions with empty posts and controls each by itself", async ({ cluster }) => {
    const script = new SeedScript(cluster.url);
    const create = async () => created.parse(await script.post("/sessions/create")).session_id;
    const [a, b] = [await create(), await create()];
    expect(a).not.toBe(b);
    const of = async (id: string) => session.parse(await script.get(`/sessions/${id}`)).session;

    // Scenario 1: pausing.
    for (const id of [a, b]) expect(await script.post(`/replay/start/${id}`)).toMatchObject({ status: "started" });
    expect(await script.post(`/replay/pause/${a}`)).toMatchObject({ status: "paused", state: "PAUSED" });
    expect((await of(a)).controller_state.state).toBe("PAUSED");
    expect((await of(b)).controller_state.state).toBe("PLAYING");

    // Scenario 2: modes.
    expect(await script.post(`/mode/${a}`, { mode: "LIVE", symbol: "BTCUSDT" })).toMatchObject({
      status: "success",
      mode: "LIVE",
      symbol: "BTCUSDT",
    });
    expect(await of(a)).toMatchObject({ mode: "LIVE", active_symbol: "BTCUSDT" });
    expect(await of(b)).toMatchObject({ mode: "REPLAY", active_symbol: null });
    expect(await script.post(`/mode/${a}`, { mode: "REPLAY" })).toMatchObject({ mode: "REPLAY" });

    // Scenario 3: speeds.
    expect(await script.post(`/replay/speed/10/${a}`)).toMatchObject({ status: "success", speed: 10 });
    await script.post(`/replay/speed/5/${b}`);
    expect((await of(a)).controller_state.speed).toBe(10);
    expect((await of(b)).controller_state.speed).toBe(5);
    expect(await script.post(`/replay/resume/${a}`)).toMatchObject({ status: "resumed" });
    expect(await script.post(`/replay/goback/30/${b}`)).toMatchObject({ status: "success" });

    // Listing, statistics, deletion.
    const list = z.looseObject({
      total_sessions: z.int(),
      sessions: z.array(z.looseObject({ session_id: z.string() })),
    });
    const { sessions, total_sessions } = list.parse(await script.get("/sessions"));
    expect(sessions.map(({ session_id }) => session_id)).toEqual(expect.arrayContaining([a, b]));
    expect(total_sessions).toBeGreaterThanOrEqual(2);
    expect(await script.get("/sessions/stats")).toMatchObject({
      total_sessions: expect.any(Number),
      active_sessions: expect.any(Number),
      mode_distribution: { REPLAY: expect.any(Number), LIVE: expect.any(Number), SIMULATION: expect.any(Number) },
      average_session_duration_seconds: expect.any(Number),
    });
    for (const id of [a, b]) expect(await script.delete(`/sessions/${id}`)).toMatchObject({ status: "success" });
    await expect(script.get(`/sessions/${a}`)).rejects.toThrow(/404/);
  });

  test("[EC8] works without ids on the shared session", async ({ cluster }) => {
    const script = new SeedScript(cluster.url);
    expect(await script.post("/replay/start")).toMatchObject({ status: "started" });
    expect(await script.post("/replay/pause")).toMatchObject({ status: "paused" });
    expect(await script.get("/replay/state")).toMatchObject({ state: "PAUSED" });
    expect(await script.post("/replay/resume")).toMatchObject({ status: "resumed" });
    expect(await script.post("/replay/speed/2")).toMatchObject({ speed: 2 });
    expect(await script.post("/mode", { mode: "REPLAY" })).toMatchObject({ status: "success", mode: "REPLAY" });
    expect(await script.get("/metrics/dashboard")).toMatchObject({ sessions: { total_sessions: expect.any(Number) } });
  });

  test("[EC8] reads history and frames from a socket with an id and without one", async ({ cluster }) => {
    const script = new SeedScript(cluster.url);
    const id = `session_${Date.now()}_a1b2c3d4e`;
    for (const path of [`/ws?session_id=${id}`, "/ws"]) {
      await script.post("/replay/start");
      const [history, ...frames] = await script.receive(path, 11);
      expect(history).toMatchObject({
        type: "history",
        data: expect.any(Array),
        session_id: path === "/ws" ? "global" : id,
      });
      for (const frame of frames) expect(checkFrame(frame)).toEqual([]);
    }
  });
});
