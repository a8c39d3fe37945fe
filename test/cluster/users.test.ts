import { describe, expect } from "vitest";
import { test } from "../support/cluster.js";
import "../support/expect.js";
import { paceOf } from "../support/pace.js";

describe("three users", () => {
  test("[C1] [C2] [C3] a pause affects only its own user", async ({ cluster }) => {
    const [a, b, c] = await cluster.threeUsers();
    await Promise.all([a, b, c].map((user) => user.viewer.next(20)));

    await cluster.http.control(a.id, "pause");
    await a.viewer.untilSession(({ state }) => state === "PAUSED", "pause");
    const paused = await cluster.http.session(a.id);
    await a.viewer.until(() => a.viewer.lastSeq >= (paused.controller_state.cursor_seq ?? 0), "the frame paused at");
    const shown = a.viewer.frames.length;
    await Promise.all([b.viewer.next(30), c.viewer.next(30)]);

    expect(a.viewer.frames).toHaveLength(shown);
    expect(await cluster.http.session(a.id)).toMatchObject({ state: "PAUSED", cursor_ts: paused.cursor_ts });
    for (const user of [b, c]) {
      expect(await cluster.http.session(user.id)).toMatchObject({
        state: "PLAYING",
        speed: 1,
        epoch: user.viewer.session?.epoch,
      });
    }

    await a.viewer.command("resume");
    await a.viewer.next(10);
    for (const user of [a, b, c]) {
      expect(user.viewer.frames).toHaveConsecutiveSeqs();
      expect(user.viewer.frames).toBeOfTape(user.truth);
    }
    await cluster.end(a, b, c);
  });

  test("[C1] [C6] only users who go live leave their tape", async ({ cluster }) => {
    const [a, b, c] = await cluster.threeUsers();
    await Promise.all([a, b, c].map((user) => user.viewer.next(10)));

    for (const [user, symbol] of [
      [a, "BTCUSDT"],
      [c, "ETHUSDT"],
    ] as const) {
      const answer = await cluster.http.call("POST", `/mode/${user.id}`, { mode: "LIVE", symbol });
      expect(answer).toMatchObject({
        status: 200,
        body: { status: "success", mode: "LIVE", symbol, state: "PLAYING" },
      });
      await user.viewer.untilSession(({ mode }) => mode === "LIVE", "live mode");
      await user.viewer.until(() => user.viewer.messagesOf("feed").length > 0, "feed status");
    }
    const epochs = [a, b, c].map(({ viewer }) => viewer.session?.epoch ?? 0);
    await b.viewer.next(20);

    for (const [user, symbol] of [
      [a, "BTCUSDT"],
      [c, "ETHUSDT"],
    ] as const) {
      const session = await cluster.http.session(user.id);
      expect(session).toMatchObject({ mode: "LIVE", active_symbol: symbol, feed: { status: expect.any(String) } });
      const liveEpoch = session.epoch;
      expect(user.viewer.frames.filter(({ epoch }) => epoch === liveEpoch)).toHaveLength(0);
    }
    expect(await cluster.http.session(b.id)).toMatchObject({ mode: "REPLAY", state: "PLAYING", epoch: epochs[1] });

    // Back on tape: a new epoch from where it was left.
    const left = (await cluster.record(a.id)).kept.REPLAY?.anchorSeq ?? 0;
    await cluster.http.call("POST", `/mode/${a.id}`, { mode: "REPLAY", tape: a.truth.tape.id.split("@")[0] });
    await a.viewer.untilSession(({ mode }) => mode === "REPLAY", "replay mode");
    const back = a.viewer.session?.epoch ?? 0;
    await a.viewer.until(
      () => a.viewer.frames.filter(({ epoch }) => epoch === back).length >= 5,
      "frames of the new epoch",
    );
    expect(back).toBeGreaterThan(epochs[0] ?? 0);
    expect(left).toBeGreaterThan(5);
    expect(a.viewer.frames.filter(({ epoch }) => epoch === back).slice(0, 5)).toHaveSeqs(
      [0, 1, 2, 3, 4].map((nth) => left + nth),
    );
    for (const user of [a, b, c]) {
      expect(user.viewer.frames).toHaveConsecutiveSeqs();
      expect(user.viewer.frames).toBeOfTape(user.truth);
    }
    await cluster.end(a, b, c);
  });

  test("[C1] [C5] each user plays at a speed of their own", async ({ cluster }) => {
    const [a, b, c] = await cluster.threeUsers();
    await cluster.http.control(a.id, "speed/10");
    await cluster.http.control(c.id, "speed/5");
    for (const [user, speed] of [
      [a, 10],
      [b, 1],
      [c, 5],
    ] as const) {
      await user.viewer.untilSession((session) => session.speed === speed, `speed ${speed}`);
      const from = user.viewer.frames.length;
      const since = performance.now();
      await user.viewer.until(
        () => performance.now() - since > 3000 && user.viewer.frames.length > from + 2,
        "three seconds of frames",
      );
      expect(Math.abs(paceOf(user.viewer.frames.slice(from), user.truth) / speed - 1)).toBeLessThan(0.1);
      expect((await cluster.http.session(user.id)).speed).toBe(speed);
    }
    for (const user of [a, b, c]) {
      expect(user.viewer.frames).toHaveConsecutiveSeqs();
      expect(user.viewer.frames).toBeOfTape(user.truth);
    }
    await cluster.end(a, b, c);
  });

  test("[C2] requests on different nodes see one session", async ({ cluster }) => {
    const [a] = await cluster.threeUsers({ start: false });
    const id = a.id;
    // Each call goes to the next api; the socket's own commands go through its gateway.
    await cluster.http.control(id, "start");
    expect((await cluster.http.session(id)).state).toBe("PLAYING");
    await cluster.http.control(id, "speed/3");
    expect((await cluster.http.session(id)).speed).toBe(3);
    await a.viewer.command("pause");
    expect((await cluster.http.session(id)).state).toBe("PAUSED");
    expect((await cluster.balanced.session(id)).state).toBe("PAUSED");
    await cluster.balanced.control(id, "seek", { seq: 400 });
    expect((await cluster.http.session(id)).controller_state.cursor_seq).toBe(400);
    const revs = await Promise.all(Array.from({ length: 6 }, async () => (await cluster.http.session(id)).rev));
    expect(new Set(revs).size).toBe(1);
    await cluster.end(a);
  });
});
