import { type CloseCode, closeCodes, sessionGoneReasons } from "@tapedeck/protocol/wire";
import { backoff } from "./backoff.js";
import {
  type ConnectionEnd,
  type ConnectionMachine,
  type MachineEvent,
  type MachineStep,
  transitions,
} from "./connection-machine.js";
import { type ConnectionRules, type Millis, maxInitialRounds, maxRefusedTokens } from "./link-rules.js";

export interface Moment {
  readonly now: Millis;
  /** From 0 to 1: chance is passed in, as time is. */
  readonly random: number;
  readonly rules: ConnectionRules;
}

/** A new link, at its first attempt. */
export function startMachine(rules: ConnectionRules): MachineStep {
  const counts = { address: 0, failures: 0, refusedTokens: 0 };
  return ask({ phase: "waiting", ...counts, wasOpen: false, openedAt: 0, pingedAt: undefined }, rules);
}

/** Pure: what an event makes of a link, and what is to be done. */
export function stepMachine(machine: ConnectionMachine, event: MachineEvent, moment: Moment): MachineStep {
  switch (transitions[machine.phase][event.type]) {
    case "ask":
      return ask(machine, moment.rules);
    case "dial":
      return dial(machine, moment.rules);
    case "open":
      return open(machine, moment);
    case "listen":
      return event.type === "woke" ? listen(machine, event.heardAt, moment) : stay(machine);
    case "late":
      return retry(machine, machine.phase === "asking" ? "no token came" : "no answer", "with backoff", moment);
    case "no token":
      return event.type === "noToken" ? retry(machine, event.why, "with backoff", moment) : stay(machine);
    case "judge":
      return event.type === "lost" ? judge(machine, event.code, event.reason, moment) : stay(machine);
    case "end":
      return end(machine, { reason: "closed" });
    case "nothing":
      return stay(machine);
  }
}

function stay(machine: ConnectionMachine): MachineStep {
  return { machine, effects: [] };
}

/** A token is asked for at each attempt, since none is good for ever. */
function ask(machine: ConnectionMachine, { tokenMs }: ConnectionRules): MachineStep {
  return {
    machine: { ...machine, phase: "asking", pingedAt: undefined },
    effects: [{ do: "wake", inMs: tokenMs }, { do: "ask" }],
  };
}

function dial(machine: ConnectionMachine, { openMs }: ConnectionRules): MachineStep {
  return {
    machine: { ...machine, phase: "dialing" },
    effects: [
      { do: "wake", inMs: openMs },
      { do: "dial", address: machine.address },
    ],
  };
}

function open(machine: ConnectionMachine, { now, rules }: Moment): MachineStep {
  return {
    machine: { ...machine, phase: "open", wasOpen: true, openedAt: now, refusedTokens: 0, pingedAt: now },
    effects: [{ do: "ping" }, { do: "wake", inMs: rules.silenceMs / 2 }, { do: "tell", news: "open" }],
  };
}

/**
 * Half of the silence is for asking, half for the answer. Silence is counted from a ping and not from the last message: a
 * page in the background wakes late, and then finds a ping answered long ago.
 */
function listen(machine: ConnectionMachine, heardAt: Millis, moment: Moment): MachineStep {
  const { now, rules } = moment;
  const patience = rules.silenceMs / 2;
  const { pingedAt } = machine;
  if (pingedAt !== undefined && heardAt < pingedAt) {
    const left = pingedAt + patience - now;
    if (left > 0) return { machine, effects: [{ do: "wake", inMs: left }] };
    return retry(machine, "the network is silent", "with backoff", moment);
  }
  return { machine: { ...machine, pingedAt: now }, effects: [{ do: "ping" }, { do: "wake", inMs: patience }] };
}

/** What a close means is said by the protocol's table; a code that is not in it is a lost connection or a dead node. */
function judge(machine: ConnectionMachine, code: number, reason: string, moment: Moment): MachineStep {
  const known = isCloseCode(code) ? closeCodes[code] : undefined;
  const why = `${known?.name ?? "connection lost"} (${code}${reason === "" ? "" : `: ${reason}`})`;
  switch (known?.reconnect) {
    case "never":
      return end(machine, code === 4404 ? { reason: goneBy(reason) } : { reason: "refused", code, message: why });
    case "with a fresh token": {
      const refusedTokens = machine.refusedTokens + 1;
      if (!moment.rules.freshTokens || refusedTokens >= maxRefusedTokens) {
        return end(machine, { reason: "refused", code, message: why });
      }
      return retry({ ...machine, refusedTokens }, why, refusedTokens === 1 ? "at once" : "with backoff", moment);
    }
    case "at once":
    case "at once, with the resume token":
      return retry(machine, why, "at once", moment);
    case "with backoff":
    case undefined:
      return retry(machine, why, "with backoff", moment);
  }
}

/** "At once" is good for one round of the addresses; who is sent away by all of them has to wait as well. */
function retry(machine: ConnectionMachine, why: string, when: "at once" | "with backoff", moment: Moment): MachineStep {
  const { now, random, rules } = moment;
  const lasted = machine.phase === "open" && now - machine.openedAt >= rules.stableMs;
  const failures = lasted ? 1 : machine.failures + 1;
  if (!machine.wasOpen && failures >= maxInitialRounds * rules.addresses)
    return end(machine, { reason: "unreachable", message: why });
  const free = when === "at once" ? rules.addresses : 0;
  const retryInMs = failures <= free ? 0 : backoff(failures - free, random, rules);
  return {
    machine: {
      ...machine,
      phase: "waiting",
      failures,
      address: (machine.address + 1) % rules.addresses,
      pingedAt: undefined,
    },
    effects: [{ do: "hang up" }, { do: "wake", inMs: retryInMs }, { do: "tell", news: "lost", why, retryInMs }],
  };
}

function end(machine: ConnectionMachine, how: ConnectionEnd): MachineStep {
  return {
    machine: { ...machine, phase: "ended", pingedAt: undefined },
    effects: [{ do: "hang up" }, { do: "wake", inMs: undefined }, { do: "tell", news: "ended", end: how }],
  };
}

function goneBy(reason: string): "deleted" | "expired" {
  return reason === sessionGoneReasons.deleted ? "deleted" : "expired";
}

function isCloseCode(code: number): code is CloseCode {
  return Object.hasOwn(closeCodes, code);
}
