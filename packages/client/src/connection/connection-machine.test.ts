import { type CloseCode, closeCodes, sessionGoneReasons } from "@tapedeck/protocol/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ConnectionMachine,
  type ConnectionRules,
  defaultTiming,
  type MachineEffect,
  type MachineEvent,
  startMachine,
  stepMachine,
} from "./connection-machine.js";

const rules: ConnectionRules = { ...defaultTiming, addresses: 2, freshTokens: true };

/** Applies events to a machine one after the other, with its own clock. */
class Run {
  now = 1000;
  machine: ConnectionMachine;
  effects: readonly MachineEffect[];
  readonly #rules: ConnectionRules;
  readonly #random: number;

  constructor({ random = 1, ...changes }: Partial<ConnectionRules> & { random?: number } = {}) {
    this.#rules = { ...rules, ...changes };
    this.#random = random;
    ({ machine: this.machine, effects: this.effects } = startMachine(this.#rules));
  }

  step(...events: MachineEvent[]): this {
    for (const event of events) {
      const step = stepMachine(this.machine, event, {
        now: this.now,
        random: this.#random,
        rules: this.#rules,
      });
      this.machine = step.machine;
      this.effects = step.effects;
    }
    return this;
  }

  after(ms: number, event: MachineEvent): this {
    this.now += ms;
    return this.step(event);
  }

  open(): this {
    return this.step({ type: "token" }, { type: "session" });
  }

  get retryInMs(): number | undefined {
    return this.effects.flatMap((effect) => (effect.do === "notifyLost" ? [effect.retryInMs] : []))[0];
  }

  get end(): object | undefined {
    return this.effects.flatMap((effect) => (effect.do === "notifyEnd" ? [effect.end] : []))[0];
  }

  get dialed(): number | undefined {
    return this.effects.flatMap((effect) => (effect.do === "dial" ? [effect.address] : []))[0];
  }
}

const lost = (code: number, reason = ""): MachineEvent => ({ type: "lost", code, reason });

/** The timer fired. By default no frames are due. */
function timerAt(lastMessageAt: number, { pingAfterMs = half, answerMs = half } = {}): MachineEvent {
  return { type: "timer", lastMessageAt, pingAfterMs, answerMs };
}
const half = rules.silenceMs / 2;
const timer = timerAt(0);

describe("[CL20] the protocol's table of close codes decides what follows a close", () => {
  const never = [1008, 1009, 4400, 4403];
  test.each(never)("%s: the connection ends", (code) => {
    const run = new Run().open().step(lost(code));
    expect(run.machine.phase).toBe("ended");
    expect(run.end).toMatchObject({ reason: "refused", code });
  });

  test.each([
    [sessionGoneReasons.deleted, "deleted"],
    [sessionGoneReasons.expired, "expired"],
    ["", "expired"],
  ])("4404 %o: the session is %s", (reason, ended) => {
    expect(new Run().open().step(lost(4404, reason)).end).toEqual({ reason: ended });
  });

  test.each([1001, 1012, 1005, 1006, 1011, 4999])("%s: at once, at the next address", (code) => {
    const run = new Run().open().step(lost(code));
    expect(run.retryInMs).toBe(0);
    expect(run.step(timer, { type: "token" }).dialed).toBe(1);
  });

  test.each([4408, 4429])("%s: with backoff", (code) => {
    expect(new Run({ random: 0.5 }).open().step(lost(code)).retryInMs).toBe(0.5 * rules.backoffMs);
  });

  test("every code of the table either ends or retries the connection", () => {
    for (const code of Object.keys(closeCodes)) {
      const { reconnect } = closeCodes[Number(code) as CloseCode];
      const ended = new Run().open().step(lost(Number(code))).machine.phase === "ended";
      expect([code, ended]).toEqual([code, reconnect === "never"]);
    }
  });

  test.each([1012, 1006])("%s from every address: the client backs off as well", (code) => {
    const run = new Run().open().step(lost(code)).step(timer).open().step(lost(code));
    expect(run.retryInMs).toBe(0);
    expect(run.step(timer).open().step(lost(code)).retryInMs).toBe(rules.backoffMs);
    expect(run.step(timer).open().step(lost(code)).retryInMs).toBe(2 * rules.backoffMs);
  });
});

describe("[CL21] waits have full jitter below a bound that doubles", () => {
  test("from half a second to twenty", () => {
    const waits: (number | undefined)[] = [];
    const run = new Run().open();
    for (let failure = 1; failure <= 10; failure++) {
      waits.push(run.step(lost(1006)).retryInMs);
      run.step(timer, { type: "token" });
    }
    expect(waits).toEqual([0, 0, 500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
    expect(new Run({ random: 0 }).open().step(lost(4408)).retryInMs).toBe(0);
  });

  test("a connection that lasted resets the failures, a short one does not", () => {
    const run = new Run().open().step(lost(1006), timer, { type: "token" }, lost(1006), timer).open();
    expect(run.after(rules.stableMs - 1, lost(1006)).retryInMs).toBe(rules.backoffMs);
    expect(run.step(timer).open().after(rules.stableMs, lost(1006)).retryInMs).toBe(0);
  });
});

describe("[CL22] each attempt goes to the next address", () => {
  test("for every kind of failure", () => {
    const run = new Run({ addresses: 3 }).step({ type: "token" });
    expect(run.dialed).toBe(0);
    expect(run.step(lost(1006), timer, { type: "token" }).dialed).toBe(1);
    expect(run.step({ type: "session" }, lost(1012), timer, { type: "token" }).dialed).toBe(2);
    expect(run.step(timer, timer, { type: "token" }).dialed).toBe(0);
  });

  /** The bounds of the attempts of a client that was never answered. */
  function bounds(addresses: number, attempts: number): (number | undefined)[] {
    const run = new Run({ addresses }).open().after(rules.stableMs, lost(1006));
    return Array.from({ length: attempts }, () => {
      const [first] = run.step(timer, { type: "token" }).effects;
      run.step(timer);
      return first?.do === "setTimer" ? first.inMs : undefined;
    });
  }

  test("an address that does not answer for a second is left at once; the bound doubles with each attempt, up to openMs", () => {
    for (const addresses of [2, 3]) expect(bounds(addresses, 6)).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
    const run = new Run().step({ type: "token" });
    expect(run.effects).toContainEqual({ do: "setTimer", inMs: rules.answerMs });
    expect(run.step(timer).effects).toContainEqual({ do: "closeSocket" });
    expect(run.retryInMs).toBe(0);
  });

  test("the time begins anew when the socket is open: the node lives, and may be busy", () => {
    const run = new Run().step({ type: "token" }).after(900, { type: "accepted" });
    expect(run.effects).toEqual([{ do: "setTimer", inMs: rules.answerMs }]);
    expect(run.after(rules.answerMs, timer).effects).toContainEqual({ do: "closeSocket" });
    expect(run.step({ type: "accepted" }).effects).toEqual([]); // of the socket that was dropped
  });

  test("a single address gets four times as long", () => {
    expect(bounds(1, 4)).toEqual([4000, 8000, 10_000, 10_000]);
    expect(new Run({ addresses: 1 }).step({ type: "token" }).effects).toContainEqual({ do: "setTimer", inMs: 4000 });
  });
});

describe("[CL23] a silent network", () => {
  test("is pinged at once and every half of silenceMs, and given up after a half without any message", () => {
    const run = new Run().open();
    expect(run.effects).toContainEqual({ do: "ping" });
    expect(run.after(half, timerAt(run.now)).effects).toContainEqual({ do: "ping" });
    const pinged = run.now;
    expect(run.after(half, timerAt(pinged - 1)).effects).toContainEqual({ do: "closeSocket" });
    expect(run.machine.phase).toBe("backoff");
    expect(run.now - 1000).toBeLessThanOrEqual(rules.silenceMs);
  });

  test("is not assumed when the timer of a background page fires late", () => {
    const run = new Run().open();
    const answered = run.now + 20;
    expect(run.after(60_000, timerAt(answered)).effects).toContainEqual({ do: "ping" });
    expect(run.machine.phase).toBe("open");
  });

  test("gets its whole half when a timer fires early", () => {
    const run = new Run().open();
    expect(run.after(half - 3, timerAt(0)).effects).toEqual([{ do: "setTimer", inMs: 3 }]);
  });
});

describe("[CL28] while frames are due", () => {
  const limits = { pingAfterMs: 500, answerMs: 1000 };

  /** A stable connection whose last ping was answered. A frame arrives now, and frames are due from now on. */
  function playing(changes?: Partial<ConnectionRules>): { run: Run; frameAt: number } {
    const run = new Run(changes).open();
    run.after(half, timerAt(run.now + 1)).now += 100;
    const frameAt = run.now;
    return { run: run.step({ type: "framesDue", lastMessageAt: frameAt, ...limits }), frameAt };
  }

  test("a ping follows a silence, and a ping without an answer leads to the next address at once", () => {
    const { run, frameAt } = playing();
    expect(run.effects).toEqual([{ do: "setTimer", inMs: 500 }]);
    expect(run.after(500, timerAt(frameAt, limits)).effects).toEqual([{ do: "ping" }, { do: "setTimer", inMs: 1000 }]);
    expect(run.after(1000, timerAt(frameAt, limits)).effects).toEqual([
      { do: "closeSocket" },
      { do: "setTimer", inMs: 0 },
      { do: "notifyLost", why: "the network is silent", retryInMs: 0 },
    ]);
    expect(run.step(timer, { type: "token" }).dialed).toBe(1);
  });

  test("with a single address it is dialled again at once", () => {
    const { run, frameAt } = playing({ addresses: 1 });
    run.after(500, timerAt(frameAt, limits)).after(1000, timerAt(frameAt, limits));
    expect(run.retryInMs).toBe(0);
    expect(run.step(timer, { type: "token" }).dialed).toBe(0);
  });

  test("frames keep pings away, except for one every half of silenceMs", () => {
    const { run } = playing();
    let pings = 0;
    for (let ms = 0; ms < 60_000; ms += 250) {
      run.after(250, timerAt(run.now, limits));
      pings += run.effects.filter((effect) => effect.do === "ping").length;
    }
    expect(pings).toBe(12);
  });

  test("any message is an answer", () => {
    const { run, frameAt } = playing();
    run.after(500, timerAt(frameAt, limits));
    expect(run.after(1000, timerAt(run.now + 1, limits)).effects).not.toContainEqual({ do: "closeSocket" });
    expect(run.machine.phase).toBe("open");
  });

  test("after failures in a row the wait for an answer doubles, until a connection has lasted", () => {
    const { run, frameAt } = playing();
    run.after(500, timerAt(frameAt, limits)).after(1000, timerAt(frameAt, limits)).step(timer).open();
    const reopened = run.now;
    run.after(501, timerAt(reopened + 1, limits));
    expect(run.effects).toEqual([{ do: "ping" }, { do: "setTimer", inMs: 2000 }]);
    expect(run.after(half, timerAt(reopened + 600, limits)).effects).toContainEqual({ do: "setTimer", inMs: 1000 });
  });
});

describe("[CL24] tokens", () => {
  test("are requested at each attempt, before dialing", () => {
    const run = new Run();
    expect(run.effects).toContainEqual({ do: "getToken" });
    expect(run.open().step(lost(1012), timer).effects).toContainEqual({ do: "getToken" });
  });

  test("a refused token is replaced at once, then with backoff; after three the connection ends", () => {
    const run = new Run().open().step(lost(4401));
    expect(run.retryInMs).toBe(0);
    expect(run.step(timer, { type: "token" }, lost(4401)).retryInMs).toBeGreaterThan(0);
    expect(run.step(timer, { type: "token" }, lost(4401)).end).toMatchObject({ reason: "refused", code: 4401 });
  });

  test("an accepted token resets the count", () => {
    const run = new Run().open();
    for (let hour = 0; hour < 5; hour++) run.step(lost(4401), timer).open();
    expect(run.machine.phase).toBe("open");
  });

  test("a fixed token is tried once", () => {
    expect(new Run({ freshTokens: false }).open().step(lost(4401)).end).toMatchObject({ code: 4401 });
  });

  test("that do not arrive in time are requested again with backoff", () => {
    const run = new Run().open().step(lost(1012), timer);
    expect(run.effects).toContainEqual({ do: "setTimer", inMs: rules.tokenMs });
    expect(run.step(timer).retryInMs).toBeGreaterThan(0);
    expect(run.step(timer, { type: "noToken", why: "no token: offline" }).effects).toContainEqual(
      expect.objectContaining({ why: "no token: offline" }),
    );
  });
});

describe("[CL25] after three rounds of the addresses", () => {
  test("a session that was never open is given up, and one that was open is not", () => {
    const run = new Run();
    for (let attempt = 1; attempt < 6; attempt++) run.step({ type: "token" }, lost(1006), timer);
    expect(run.step({ type: "token" }, lost(1006)).end).toMatchObject({ reason: "unreachable" });
    const known = new Run().open();
    for (let attempt = 1; attempt < 200; attempt++) known.step(lost(1006), timer, { type: "token" });
    expect(known.machine.phase).toBe("dialing");
  });
});

describe("[CL26] for any events in any order", () => {
  const event: fc.Arbitrary<MachineEvent> = fc.oneof(
    fc.constantFrom<MachineEvent>({ type: "token" }, { type: "accepted" }, { type: "session" }, { type: "close" }),
    fc.constant<MachineEvent>({ type: "noToken", why: "away" }),
    fc.record({
      type: fc.constantFrom("timer" as const, "framesDue" as const),
      lastMessageAt: fc.nat(100_000),
      pingAfterMs: fc.nat(5000),
      answerMs: fc.nat(5000),
    }),
    fc.record({
      type: fc.constant("lost" as const),
      code: fc.constantFrom(1006, ...Object.keys(closeCodes).map(Number)),
      reason: fc.constantFrom("", ...Object.values(sessionGoneReasons)),
    }),
  );
  const history = fc.array(
    fc.record({ event, afterMs: fc.nat(20_000), random: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );

  test("there is at most one socket, one timer until the end and none after it, and one end", () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 3 }), (events, addresses) => {
        let { machine, effects } = startMachine({ ...rules, addresses });
        let [now, timers, sockets, ends] = [0, 0, 0, 0];
        const carryOut = () => {
          for (const effect of effects) {
            if (effect.do === "setTimer") timers = effect.inMs === undefined ? 0 : 1;
            if (effect.do === "setTimer" && effect.inMs !== undefined) expect(effect.inMs).toBeGreaterThanOrEqual(0);
            if (effect.do === "closeSocket") sockets = 0;
            if (effect.do === "dial") {
              expect(sockets).toBe(0);
              expect(effect.address).toBeLessThan(addresses);
              sockets = 1;
            }
            if (effect.do === "notifyEnd") ends++;
          }
          expect(timers).toBe(machine.phase === "ended" ? 0 : 1);
          expect(sockets).toBe(machine.phase === "open" || machine.phase === "dialing" ? 1 : 0);
          expect(ends).toBe(machine.phase === "ended" ? 1 : 0);
        };
        carryOut();
        for (const { event: happened, afterMs, random } of events) {
          now += afterMs;
          if (happened.type === "lost") sockets = machine.phase === "open" || machine.phase === "dialing" ? 0 : sockets;
          ({ machine, effects } = stepMachine(machine, happened, { now, random, rules: { ...rules, addresses } }));
          carryOut();
        }
      }),
    );
  });
});
