import { expect } from "vitest";
import { test } from "../support/cluster.js";
import { check, describe as sentence } from "./oracle/check.js";
import type { History } from "./oracle/history.js";
import { observe } from "./oracle/observations.js";
import { Client } from "./run/client.js";
import { view } from "./run/messages.js";
import { Random } from "./run/random.js";
import { Recorder } from "./run/recorder.js";
import { TapeReader } from "./run/tape-reader.js";

test("[C33] [G21] viewers who were away when an order was placed and its epoch ended get the frames of the order's tape, whose name reached nobody", async ({
  cluster,
}) => {
  const created = await cluster.http.create({ mode: "SIMULATION", seed: 2 });
  const { session_id: id } = created;
  const recorder = new Recorder(id, new Map());
  let away = false;
  const gateways = () => cluster.gateways.map(({ name, url }) => ({ name, url: away ? "http://127.0.0.1:1" : url }));
  const viewers = [1, 2].map(
    (nth) => new Client(`viewer ${nth}`, recorder, gateways, { session: created }, new Random(nth)),
  );
  const reader = new TapeReader({ redisUrl: cluster.redisUrl, keys: cluster.keys, folder: cluster.tapes.folder });
  let commands = 0;
  const perform = async (name: string, path: string, args: object, answer: "heard" | "lost") => {
    const command = `${commands++}`;
    recorder.record({ kind: "command", id: command, via: undefined, name, args: { ...args } });
    const answered = await cluster.http.control(id, path, args);
    if (answer === "heard")
      recorder.record({ kind: "answer", id: command, outcome: { kind: "done", view: view.parse(answered) } });
    return answered;
  };
  const untilShown = async (seq: number) =>
    cluster.until(() => viewers.every(({ lastSeq }) => lastSeq >= seq), `frame ${seq} on every screen`);
  try {
    await untilShown(5);
    const first = await perform("order", "order", { side: "BUY", quantity: 1 }, "heard");
    await untilShown((first.controller_state.cursor_seq ?? 0) + 10);

    away = true;
    for (const viewer of viewers) viewer.cut();
    await cluster.until(() => viewers.every((viewer) => !viewer.open), "all viewers to be away");
    const second = await perform("order", "order", { side: "SELL", quantity: 2 }, "lost");
    expect(second.epoch).toBe(first.epoch);
    const shownBy = (second.controller_state.cursor_seq ?? 0) + 12; // an order's frame is due within 640 ms
    await cluster.until(
      async () => ((await cluster.http.session(id)).controller_state.cursor_seq ?? 0) >= shownBy,
      "the order's frame",
    );
    const third = await perform("goback", "goback/1", { seconds: 1 }, "heard");
    expect(third.epoch).toBeGreaterThan(first.epoch);

    away = false;
    const landed = third.controller_state.cursor_seq ?? 0;
    const came = (viewer: Client) => viewer.view?.epoch === third.epoch && viewer.lastSeq > landed + 5;
    await cluster.until(() => viewers.every(came), "the new epoch on every screen");
    for (const viewer of viewers) viewer.close();

    const { history } = recorder;
    const violations = async (events: History["events"]) => {
      const observed = observe({ ...history, events });
      return check({ ...history, events }, await reader.tapesOf(observed)).map(sentence);
    };
    expect(await violations(history.events)).toEqual([]);
    // Nothing but the lost order explains these frames: viewers got those of its tape, in the epoch that named another.
    const refused = [
      ...history.events,
      { kind: "answer", id: "1", at: history.events.at(-1)?.at ?? 0, outcome: { kind: "refused", code: "BUSY" } },
    ] as const;
    const unexplained = await violations(refused);
    for (const name of ["viewer 1", "viewer 2"]) {
      const found = unexplained.filter(
        (each) => each.startsWith("[C3]") && each.includes(`, ${name}, epoch ${first.epoch}`),
      );
      expect(found.length).toBeGreaterThan(0);
    }
  } finally {
    for (const viewer of viewers) viewer.close();
    await reader.close();
    await cluster.http.delete(id);
  }
});
