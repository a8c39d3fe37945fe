import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { check } from "./check.js";
import { GoodSession, isoAt, smallTape } from "./good-history.js";
import type { SessionEvent, View } from "./history.js";
import type { TapeData } from "./tapes.js";

const tape = smallTape(400, 54);

/** Frames 0 to 60 with a pause, a step, a fill, a resume by token, a change of speed; then a seek and a rewind. */
function course(): GoodSession {
  const session = new GoodSession(tape);
  session.play(10);
  session.command("pause", {}, { state: "PAUSED" });
  session.read();
  session.step(3);
  session.command("resume", {}, { state: "PLAYING" });
  session.play(10);
  session.drop("two");
  session.play(10);
  session.resume("two");
  session.play(15);
  session.command("speed", { value: 2 }, { speed: 2 });
  session.order(54);
  session.play(12);
  session.command("seek", { seq: 200 }, {}, 200);
  session.play(10);
  session.read();
  session.command("pause", {}, { state: "PAUSED" });
  session.command("goback", { seconds: 5 }, {}, 160);
  session.command("resume", {}, { state: "PLAYING" });
  session.play(10);
  return session;
}

function capped(): GoodSession {
  const session = new GoodSession(tape, { maxFps: 5 });
  session.play(40, 2);
  return session;
}

function looped(): GoodSession {
  const session = new GoodSession(tape, { loop: true, fromTs: isoAt(0), toTs: isoAt(20) });
  session.play(20);
  session.wrap(0);
  session.play(20);
  session.wrap(0);
  session.play(3);
  return session;
}

/** A tape, and what a lost order makes of it from frame 60 on. */
const plain = smallTape(400, -1, { id: "plain@1" });
const forked = smallTape(400, 60, { id: "plain~1@1", follows: plain.id });

/** An order, which stays in its epoch, and the jump that ends that epoch, while nobody is connected. */
function ordered(): GoodSession {
  const session = new GoodSession(plain);
  session.play(50);
  for (const viewer of ["one", "two"]) session.drop(viewer);
  session.lostOrder(forked);
  session.play(20);
  session.command("seek", { seq: 200 }, {}, 200);
  for (const viewer of ["one", "two"]) session.resume(viewer);
  session.play(10);
  return session;
}

/** A fill in frame 54 that is dated as frame 53 is. */
const early: TapeData = {
  ...tape,
  id: "early@1",
  frames: tape.frames.map((frame) => ({
    ...frame,
    json: frame.json.replace(`{"timestamp":"${isoAt(54)}","price"`, `{"timestamp":"${isoAt(53)}","price"`),
  })),
};

function filledEarly(): GoodSession {
  const session = new GoodSession(early);
  session.play(50);
  session.order(54, 53);
  session.play(20);
  return session;
}

const tapes = new Map([tape, plain, forked, early].map((each) => [each.id, each]));
const found = (session: GoodSession, events: readonly SessionEvent[] = session.events) =>
  check({ ...session.history, events }, tapes);

/** The position of a viewer's frame in the history. */
function frameAt(events: readonly SessionEvent[], viewer: string, seq: number): number {
  const index = events.findLastIndex(
    (event) => event.kind === "frame" && event.viewer === viewer && event.frame.seq === seq,
  );
  if (index < 0) throw new Error(`${viewer} got no frame ${seq}`);
  return index;
}

function pick<K extends SessionEvent["kind"]>(
  events: readonly SessionEvent[],
  kind: K,
  nth = 0,
): Extract<SessionEvent, { kind: K }> {
  const all = events.filter((event): event is Extract<SessionEvent, { kind: K }> => event.kind === kind);
  const event = all.at(nth);
  if (event === undefined) throw new Error(`there is no ${kind}`);
  return event;
}

const without = (events: readonly SessionEvent[], index: number) => events.filter((_, at) => at !== index);
const inserted = (events: readonly SessionEvent[], index: number, event: SessionEvent) => [
  ...events.slice(0, index),
  event,
  ...events.slice(index),
];
const replaced = (events: readonly SessionEvent[], index: number, event: SessionEvent) =>
  events.map((each, at) => (at === index ? event : each));
const withView = (events: readonly SessionEvent[], change: (view: View) => View): SessionEvent[] =>
  events.map((event) => {
    if ("view" in event) return { ...event, view: change(event.view) };
    if (event.kind === "answer" && event.outcome.kind === "done") {
      return { ...event, outcome: { kind: "done", view: change(event.outcome.view) } };
    }
    return event;
  });

test("[F81] nothing is found in a history without a fault", () => {
  for (const session of [course(), capped(), looped(), ordered(), filledEarly()]) expect(found(session)).toEqual([]);
});

test("[F81] a fill at the time of one that a rewind dropped is no fault", () => {
  const session = course();
  const fill = pick(session.events, "fill");
  const dropped = { ...fill, fill: { ...fill.fill, id: "dropped", side: "SELL", size: 5 } } as const;
  expect(found(session, inserted(session.events, session.events.indexOf(fill), dropped))).toEqual([]);
});

test("[F81] own trades beyond a fill of their time are no fault if the fill of another order may have reached nobody", () => {
  const session = course();
  const fill = pick(session.events, "fill");
  const smaller = session.events.map((event) =>
    event.kind === "fill" ? { ...event, fill: { ...event.fill, size: event.fill.size / 2 } } : event,
  );
  expect(found(session, smaller).map(({ rule }) => rule)).toContain("SO1");
  const lost = { at: fill.at, kind: "command", id: "lost", via: undefined, name: "order", args: {} } as const;
  expect(found(session, inserted(smaller, session.events.indexOf(fill), lost))).toEqual([]);
});

interface Bug {
  readonly what: string;
  readonly rule: string;
  readonly session?: () => GoodSession;
  readonly plant: (events: SessionEvent[]) => readonly SessionEvent[];
}

/** A live frame of a viewer as it is at an index. */
function frameIn(events: readonly SessionEvent[], index: number): Extract<SessionEvent, { kind: "frame" }> {
  const event = events[index];
  if (event?.kind !== "frame") throw new Error(`event ${index} is no frame`);
  return event;
}

const bugs: readonly Bug[] = [
  { what: "a frame is lost", rule: "C4", plant: (events) => without(events, frameAt(events, "one", 20)) },
  {
    what: "a frame comes twice",
    rule: "C4",
    plant: (events) => {
      const at = frameAt(events, "one", 20);
      return inserted(events, at, frameIn(events, at));
    },
  },
  {
    what: "two frames are swapped",
    rule: "C4",
    plant: (events) => {
      const [a, b] = [frameAt(events, "two", 18), frameAt(events, "two", 19)];
      const [first, second] = [frameIn(events, a), frameIn(events, b)];
      return replaced(replaced(events, a, { ...second, at: first.at }), b, { ...first, at: second.at });
    },
  },
  {
    what: "a frame comes after an acknowledged pause",
    rule: "C10",
    plant: (events) => {
      const pause = events.findIndex((event) => event.kind === "state" && event.view.state === "PAUSED");
      const at = frameAt(events, "one", 14);
      const late = frameIn(events, at);
      return inserted(without(events, at), pause + 1, {
        at: events[pause]?.at ?? 0,
        kind: "frame",
        viewer: "one",
        frame: { ...late.frame, seq: 14, skipped: 3 },
      });
    },
  },
  {
    what: "a frame of the old epoch comes after a seek",
    rule: "C11",
    plant: (events) =>
      inserted(events, frameAt(events, "one", 200), {
        ...frameIn(events, frameAt(events, "one", 58)),
        at: pick(events, "answer", -2).at,
      }),
  },
  {
    what: "a merged frame lacks a trade",
    rule: "C3",
    session: capped,
    plant: (events) => {
      const at = frameAt(events, "one", 20);
      const event = frameIn(events, at);
      const frame = JSON.parse(event.frame.json);
      const json = JSON.stringify({ ...frame, trades: frame.trades.slice(1) });
      return replaced(events, at, { ...event, frame: { ...event.frame, json } });
    },
  },
  {
    what: "an epoch has frames of a tape that only a refused order could have made",
    rule: "C3",
    session: ordered,
    plant: (events) => {
      const { id, at } = pick(events, "command", 1);
      return [...events, { kind: "answer", id, at: at + 3, outcome: { kind: "refused", code: "BUSY" } }];
    },
  },
  {
    what: "an epoch has frames of the tape before a lost order and of the one after it",
    rule: "C3",
    session: ordered,
    plant: (events) =>
      events.map((event) =>
        event.kind === "history" && event.viewer === "two" && event.frames.some(({ seq }) => seq === 60)
          ? { ...event, frames: event.frames.map((frame) => ({ ...frame, json: plain.frames[frame.seq]?.json ?? "" })) }
          : event,
      ),
  },
  {
    what: "a seek lands a frame late on every socket",
    rule: "C11",
    plant: (events) => events.filter((event) => event.kind !== "frame" || event.frame.seq !== 200),
  },
  {
    what: "a rewind lands a frame late on every socket",
    rule: "C13",
    plant: (events) => events.filter((event) => event.kind !== "frame" || event.frame.seq !== 160),
  },
  {
    what: "frames come before they are due",
    rule: "TK2",
    plant: (events) =>
      events.map((event) =>
        event.kind === "frame" && event.frame.seq > 15 && event.frame.seq < 23
          ? { ...event, at: event.at - 300 }
          : event,
      ),
  },
  {
    what: "an acknowledged change of speed is undone",
    rule: "D30",
    plant: (events) => withView(events, (view) => (view.epoch > 2 ? { ...view, speed: 1 } : view)),
  },
  {
    what: "a read shows the session before an acknowledged command",
    rule: "C2",
    plant: (events) => {
      const read = pick(events, "read");
      return events.map((event) =>
        event === read ? { ...read, view: { ...read.view, rev: 2, state: "PLAYING" } } : event,
      );
    },
  },
  {
    what: "two sockets of a session get different frames",
    rule: "C23",
    plant: (events) => {
      const at = frameAt(events, "two", 205);
      const event = frameIn(events, at);
      return replaced(events, at, {
        ...event,
        frame: { ...event.frame, json: event.frame.json.replace("mid_price", "mid") },
      });
    },
  },
  {
    what: "a resume skips a frame",
    rule: "C4",
    plant: (events) => {
      const history = pick(events, "history", -1);
      return events.map((event) => (event === history ? { ...history, frames: history.frames.slice(1) } : event));
    },
  },
  {
    what: "a good token is refused",
    rule: "C24",
    plant: (events) => {
      const history = pick(events, "history", -1);
      return events.map((event) => (event === history ? { ...history, complete: false } : event));
    },
  },
  {
    what: "a fill is announced for another frame than the one that shows it",
    rule: "SO1",
    plant: (events) =>
      events.map((event) =>
        event.kind === "fill" ? { ...event, fill: { ...event.fill, timestamp: isoAt(53) } } : event,
      ),
  },
  {
    what: "a fill is in no frame",
    rule: "SO21",
    session: filledEarly,
    plant: (events) =>
      events.map((event) =>
        event.kind === "frame"
          ? { ...event, frame: { ...event.frame, json: event.frame.json.replace(',"own":true', "") } }
          : event,
      ),
  },
  {
    what: "a loop begins again before its end",
    rule: "C14",
    session: looped,
    plant: (events) => events.filter((event) => event.kind !== "frame" || event.frame.seq !== 20),
  },
  {
    what: "a session with a cap gets every frame",
    rule: "C22",
    plant: (events) => withView(events, (view) => ({ ...view, maxFps: 2 })),
  },
  {
    what: "a session without a cap gets merged frames",
    rule: "TP40",
    session: capped,
    plant: (events) => withView(events, (view) => ({ ...view, maxFps: 0 })),
  },
];

describe("the oracle", () => {
  test.each(bugs)("[F81] finds that $what", ({ rule, session = course, plant }) => {
    const good = session();
    const violations = found(good, plant([...good.events]));
    expect(violations.map((violation) => violation.rule)).toContain(rule);
  });
});

test("[F80] the oracle imports nothing but itself", () => {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    /(?<!\.test)\.ts$/.test(file),
  );
  const imported = files.flatMap((file) =>
    [...readFileSync(`${folder}${file}`, "utf8").matchAll(/from "([^"]+)"/g)].map(([, path = ""]) => path),
  );
  expect(imported.length).toBeGreaterThan(40);
  expect(imported.filter((path) => !/^\.\.?\/[\w/.-]+\.js$/.test(path) || path.startsWith("../.."))).toEqual([]);
});
