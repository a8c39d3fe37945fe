import { type CloseCode, closeCodes, sessionGoneReasons } from "@tapedeck/protocol/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConnectionMachine, MachineEffect, MachineEvent, MachineStep } from "./connection-machine.js";
import { type ConnectionRules, defaultTiming } from "./link-rules.js";
import { startMachine, stepMachine } from "./step-link.js";

const rules: ConnectionRules = { ...defaultTiming, addresses: 2, freshTokens: true };

/** A link that events happen to, one after the other, on a clock of its own. */
class Course {
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
      const step: MachineStep = stepMachine(this.machine, event, {
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
    return this.step({ type: "token" }, { type: "welcome" });
  }

  get retryInMs(): number | undefined {
    return this.effects.flatMap((effect) =>
      effect.do === "tell" && effect.news === "lost" ? [effect.retryInMs] : [],
    )[0];
  }

  get end(): object | undefined {
    return this.effects.flatMap((effect) => (effect.do === "tell" && effect.news === "ended" ? [effect.end] : []))[0];
  }

  get dialed(): number | undefined {
    return this.effects.flatMap((effect) => (effect.do === "dial" ? [effect.address] : []))[0];
  }
}

const lost = (code: number, reason = ""): MachineEvent => ({ type: "lost", code, reason });
const woke: MachineEvent = { type: "woke", heardAt: 0 };

describe("[CL20] what a close means is what the protocol's table says", () => {
  const never = [1008, 1009, 4400, 4403];
  test.each(never)("%s: never again", (code) => {
    const course = new Course().open().step(lost(code));
    expect(course.machine.phase).toBe("ended");
    expect(course.end).toMatchObject({ reason: "refused", code });
  });

  test.each([
    [sessionGoneReasons.deleted, "deleted"],
    [sessionGoneReasons.expired, "expired"],
    ["", "expired"],
  ])("4404 %o: the session is %s", (reason, ended) => {
    expect(new Course().open().step(lost(4404, reason)).end).toEqual({ reason: ended });
  });

  test.each([1001, 1012])("%s: at once, at the next address", (code) => {
    const course = new Course().open().step(lost(code));
    expect(course.retryInMs).toBe(0);
    expect(course.step(woke, { type: "token" }).dialed).toBe(1);
  });

  test.each([4408, 4429, 1005, 1006, 1011, 4999])("%s: with backoff", (code) => {
    expect(new Course({ random: 0.5 }).open().step(lost(code)).retryInMs).toBe(0.5 * rules.backoffMs);
  });

  test("every code of the table is obeyed one way or another", () => {
    for (const code of Object.keys(closeCodes)) {
      const { reconnect } = closeCodes[Number(code) as CloseCode];
      const ended = new Course().open().step(lost(Number(code))).machine.phase === "ended";
      expect([code, ended]).toEqual([code, reconnect === "never"]);
    }
  });

  test("who is sent away by every address has to wait as well", () => {
    const course = new Course().open().step(lost(1012)).step(woke).open().step(lost(1012));
    expect(course.retryInMs).toBe(0);
    expect(course.step(woke).open().step(lost(1012)).retryInMs).toBe(rules.backoffMs);
    expect(course.step(woke).open().step(lost(1012)).retryInMs).toBe(2 * rules.backoffMs);
  });
});

describe("[CL21] waits are full jitter under a bound that doubles", () => {
  test("from half a second to twenty", () => {
    const waits: (number | undefined)[] = [];
    const course = new Course().open();
    for (let failure = 1; failure <= 8; failure++) {
      waits.push(course.step(lost(1006)).retryInMs);
      course.step(woke, { type: "token" });
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
    expect(new Course({ random: 0 }).open().step(lost(1006)).retryInMs).toBe(0);
  });

  test("a connection that lasted makes up for the failures before it, one that did not does not", () => {
    const course = new Course().open().step(lost(1006), woke, { type: "token" }, lost(1006), woke).open();
    expect(course.after(rules.stableMs - 1, lost(1006)).retryInMs).toBe(4 * rules.backoffMs);
    expect(course.step(woke).open().after(rules.stableMs, lost(1006)).retryInMs).toBe(rules.backoffMs);
  });
});

describe("[CL22] each attempt goes to the next address", () => {
  test("whatever was wrong with the last one", () => {
    const course = new Course({ addresses: 3 }).step({ type: "token" });
    expect(course.dialed).toBe(0);
    expect(course.step(lost(1006), woke, { type: "token" }).dialed).toBe(1);
    expect(course.step({ type: "welcome" }, lost(1012), woke, { type: "token" }).dialed).toBe(2);
    expect(course.step({ type: "woke", heardAt: 0 }, woke, { type: "token" }).dialed).toBe(0);
  });

  test("an attempt without an answer is given up", () => {
    const course = new Course().step({ type: "token" });
    expect(course.effects).toContainEqual({ do: "wake", inMs: rules.openMs });
    expect(course.after(rules.openMs, woke).effects).toContainEqual({ do: "hang up" });
    expect(course.machine.phase).toBe("waiting");
  });
});

describe("[CL23] a network that has gone silent", () => {
  const half = rules.silenceMs / 2;

  test("is pinged at once and at each half of the silence, and given up after a half without any message", () => {
    const course = new Course().open();
    expect(course.effects).toContainEqual({ do: "ping" });
    expect(course.after(half, { type: "woke", heardAt: course.now }).effects).toContainEqual({ do: "ping" });
    const pinged = course.now;
    expect(course.after(half, { type: "woke", heardAt: pinged - 1 }).effects).toContainEqual({ do: "hang up" });
    expect(course.machine.phase).toBe("waiting");
    expect(course.now - 1000).toBeLessThanOrEqual(rules.silenceMs);
  });

  test("is not taken for silent because a page in the background woke late", () => {
    const course = new Course().open();
    const answered = course.now + 20;
    expect(course.after(60_000, { type: "woke", heardAt: answered }).effects).toContainEqual({ do: "ping" });
    expect(course.machine.phase).toBe("open");
  });

  test("has its whole half, though a timer comes early", () => {
    const course = new Course().open();
    expect(course.after(half - 3, { type: "woke", heardAt: 0 }).effects).toEqual([{ do: "wake", inMs: 3 }]);
  });
});

describe("[CL24] tokens", () => {
  test("are asked for at each attempt, before dialing", () => {
    const course = new Course();
    expect(course.effects).toContainEqual({ do: "ask" });
    expect(course.open().step(lost(1012), woke).effects).toContainEqual({ do: "ask" });
  });

  test("a refused one is replaced at once, then with backoff; after three that were refused, no more", () => {
    const course = new Course().open().step(lost(4401));
    expect(course.retryInMs).toBe(0);
    expect(course.step(woke, { type: "token" }, lost(4401)).retryInMs).toBeGreaterThan(0);
    expect(course.step(woke, { type: "token" }, lost(4401)).end).toMatchObject({ reason: "refused", code: 4401 });
  });

  test("one that is accepted in between begins the count anew", () => {
    const course = new Course().open();
    for (let hour = 0; hour < 5; hour++) course.step(lost(4401), woke).open();
    expect(course.machine.phase).toBe("open");
  });

  test("a fixed one is refused once", () => {
    expect(new Course({ freshTokens: false }).open().step(lost(4401)).end).toMatchObject({ code: 4401 });
  });

  test("that do not come are waited for so long, and asked for again with backoff", () => {
    const course = new Course().open().step(lost(1012), woke);
    expect(course.effects).toContainEqual({ do: "wake", inMs: rules.tokenMs });
    expect(course.step(woke).retryInMs).toBeGreaterThan(0);
    expect(course.step(woke, { type: "noToken", why: "no token: offline" }).effects).toContainEqual(
      expect.objectContaining({ why: "no token: offline" }),
    );
  });
});

describe("[CL25] a session that was never open is given up after three rounds of the addresses", () => {
  test("and one that was, never", () => {
    const course = new Course();
    for (let attempt = 1; attempt < 6; attempt++) course.step({ type: "token" }, lost(1006), woke);
    expect(course.step({ type: "token" }, lost(1006)).end).toMatchObject({ reason: "unreachable" });
    const known = new Course().open();
    for (let attempt = 1; attempt < 200; attempt++) known.step(lost(1006), woke, { type: "token" });
    expect(known.machine.phase).toBe("dialing");
  });
});

describe("[CL26] whatever happens in whatever order", () => {
  const event: fc.Arbitrary<MachineEvent> = fc.oneof(
    fc.constantFrom<MachineEvent>({ type: "token" }, { type: "welcome" }, { type: "close" }),
    fc.constant<MachineEvent>({ type: "noToken", why: "away" }),
    fc.record({ type: fc.constant("woke" as const), heardAt: fc.nat(100_000) }),
    fc.record({
      type: fc.constant("lost" as const),
      code: fc.constantFrom(1006, ...Object.keys(closeCodes).map(Number)),
      reason: fc.constantFrom("", ...Object.values(sessionGoneReasons)),
    }),
  );
  const course = fc.array(
    fc.record({ event, afterMs: fc.nat(20_000), random: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );

  test("there is one timer to wait for until the end, none after it, and one end", () => {
    fc.assert(
      fc.property(course, fc.integer({ min: 1, max: 3 }), (events, addresses) => {
        let { machine, effects } = startMachine({ ...rules, addresses });
        let [now, timer, socket, ends] = [0, 0, 0, 0];
        const carryOut = () => {
          for (const effect of effects) {
            if (effect.do === "wake") timer = effect.inMs === undefined ? 0 : 1;
            if (effect.do === "wake" && effect.inMs !== undefined) expect(effect.inMs).toBeGreaterThanOrEqual(0);
            if (effect.do === "hang up") socket = 0;
            if (effect.do === "dial") {
              expect(socket).toBe(0);
              expect(effect.address).toBeLessThan(addresses);
              socket = 1;
            }
            if (effect.do === "tell" && effect.news === "ended") ends++;
          }
          expect(timer).toBe(machine.phase === "ended" ? 0 : 1);
          expect(socket).toBe(machine.phase === "open" || machine.phase === "dialing" ? 1 : 0);
          expect(ends).toBe(machine.phase === "ended" ? 1 : 0);
        };
        carryOut();
        for (const { event: happened, afterMs, random } of events) {
          now += afterMs;
          if (happened.type === "lost") socket = machine.phase === "open" || machine.phase === "dialing" ? 0 : socket;
          ({ machine, effects } = stepMachine(machine, happened, { now, random, rules: { ...rules, addresses } }));
          carryOut();
        }
      }),
    );
  });
});
