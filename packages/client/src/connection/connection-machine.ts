import { type CloseCode, closeCodes, sessionGoneReasons } from "@tapedeck/protocol/wire";

/** Milliseconds on a monotonic clock. */
export type Millis = number;

/** Timeouts and backoff that a program can set. */
export interface ConnectionTiming {
  /** Longest wait for a token. */
  readonly tokenMs: Millis;
  /** Upper bound of the wait from dialing to the first message, and of the wait for the response to a request. */
  readonly openMs: Millis;
  /** A connection without any message for this long, not even a pong, is given up. */
  readonly silenceMs: Millis;
  /** While frames are due: shortest silence before a ping. */
  readonly pingMs: Millis;
  /** First bound of the wait for the answer to a ping, while frames are due, and for the first message; it doubles with failures. */
  readonly answerMs: Millis;
  /** A connection that lasted this long resets the count of failures. */
  readonly stableMs: Millis;
  /** Upper bound of the first wait. */
  readonly backoffMs: Millis;
  /** Upper bound of every wait. */
  readonly maxBackoffMs: Millis;
}

export const defaultTiming: ConnectionTiming = {
  tokenMs: 15_000,
  openMs: 10_000,
  silenceMs: 10_000,
  pingMs: 500,
  answerMs: 1000,
  stableMs: 5_000,
  backoffMs: 500,
  maxBackoffMs: 20_000,
};

export interface ConnectionRules extends ConnectionTiming {
  /** Number of addresses. */
  readonly addresses: number;
  /** Whether a refused token can be replaced. A fixed one cannot. */
  readonly freshTokens: boolean;
}

/** Attempts per address before a session that was never open is given up. */
const maxInitialRounds = 3;

/** Refused tokens in a row before the connection ends as refused. */
const maxRefusedTokens = 3;

/**
 * - `token`: waiting for a token.
 * - `dialing`: the socket is opening; it counts as open after the `session` message.
 * - `open`: messages arrive.
 * - `backoff`: waiting for the next attempt.
 * - `ended`: for good.
 */
type MachinePhase = "token" | "dialing" | "open" | "backoff" | "ended";

/** The state of one session's connection, as a value. `stepMachine` computes the next one. */
export interface ConnectionMachine {
  readonly phase: MachinePhase;
  /** Index of the address in use, or of the next one to try. */
  readonly address: number;
  /** Attempts in a row that failed, or whose connection did not last `stableMs`. */
  readonly failures: number;
  /** Tokens refused in a row. */
  readonly refusedTokens: number;
  /** Whether it was ever open. Only then it retries for ever. */
  readonly wasOpen: boolean;
  readonly openedAt: Millis;
  /** When the last ping was sent. */
  readonly pingedAt: Millis;
}

/** How long a connection may be silent. */
export interface SilenceLimits {
  readonly lastMessageAt: Millis;
  /** Silence after which a ping is due. */
  readonly pingAfterMs: Millis;
  /** Longest wait for the answer to a ping. Any message is an answer. */
  readonly answerMs: Millis;
}

export type MachineEvent =
  | { readonly type: "token" }
  | { readonly type: "noToken"; readonly why: string }
  /** The socket is open: the node lives, but has not said anything yet. */
  | { readonly type: "accepted" }
  /** The `session` message arrived. */
  | { readonly type: "session" }
  /** The timer that was set last; or frames are due from now on. */
  | ({ readonly type: "timer" | "framesDue" } & SilenceLimits)
  | { readonly type: "lost"; readonly code: number; readonly reason: string }
  | { readonly type: "close" };

export type ConnectionEnd =
  | { readonly reason: "deleted" | "expired" | "closed" }
  | { readonly reason: "refused"; readonly code: number; readonly message: string }
  | { readonly reason: "unreachable"; readonly message: string };

/** What the owner of the machine has to do, in this order. */
export type MachineEffect =
  | { readonly do: "getToken" }
  | { readonly do: "dial"; readonly address: number }
  | { readonly do: "ping" }
  /** Drops the socket and ignores all further messages from it. */
  | { readonly do: "closeSocket" }
  /** Replaces the timer set before; undefined clears it. */
  | { readonly do: "setTimer"; readonly inMs: Millis | undefined }
  | { readonly do: "notifyOpen" }
  | { readonly do: "notifyLost"; readonly why: string; readonly retryInMs: Millis }
  | { readonly do: "notifyEnd"; readonly end: ConnectionEnd };

interface MachineStep {
  readonly machine: ConnectionMachine;
  readonly effects: readonly MachineEffect[];
}

/** Time and randomness are arguments. */
interface Moment {
  readonly now: Millis;
  /** From 0 to 1. */
  readonly random: number;
  readonly rules: ConnectionRules;
}

type Action =
  | "ignore"
  | "getToken"
  | "dial"
  | "waitAgain"
  | "open"
  | "checkSilence"
  | "timeOut"
  | "noToken"
  | "lost"
  | "end";

const ignoreAll = {
  token: "ignore",
  noToken: "ignore",
  accepted: "ignore",
  session: "ignore",
  framesDue: "ignore",
  timer: "ignore",
  lost: "ignore",
} as const;

/** What each event does in each phase. A missing cell does not compile. */
const transitions: Record<MachinePhase, Record<MachineEvent["type"], Action>> = {
  token: { ...ignoreAll, token: "dial", noToken: "noToken", timer: "timeOut", close: "end" },
  dialing: { ...ignoreAll, accepted: "waitAgain", session: "open", timer: "timeOut", lost: "lost", close: "end" },
  open: { ...ignoreAll, framesDue: "checkSilence", timer: "checkSilence", lost: "lost", close: "end" },
  backoff: { ...ignoreAll, timer: "getToken", close: "end" },
  ended: { ...ignoreAll, close: "ignore" },
};

/** A new machine, at its first attempt. */
export function startMachine(rules: ConnectionRules): MachineStep {
  const counts = { address: 0, failures: 0, refusedTokens: 0 };
  return getToken({ phase: "backoff", ...counts, wasOpen: false, openedAt: 0, pingedAt: 0 }, rules);
}

/** Pure: the next state, and the effects to carry out. */
export function stepMachine(machine: ConnectionMachine, event: MachineEvent, moment: Moment): MachineStep {
  switch (transitions[machine.phase][event.type]) {
    case "getToken":
      return getToken(machine, moment.rules);
    case "dial":
      return dial(machine, moment.rules);
    case "waitAgain":
      return { machine, effects: [{ do: "setTimer", inMs: firstMessageMs(machine, moment.rules) }] };
    case "open":
      return open(machine, moment);
    case "checkSilence":
      return "answerMs" in event ? checkSilence(machine, event, moment) : stay(machine);
    case "timeOut":
      return machine.phase === "token"
        ? retry(machine, "no token", "with backoff", moment)
        : retry(machine, "no answer", "at once", moment);
    case "noToken":
      return event.type === "noToken" ? retry(machine, event.why, "with backoff", moment) : stay(machine);
    case "lost":
      return event.type === "lost" ? afterClose(machine, event.code, event.reason, moment) : stay(machine);
    case "end":
      return end(machine, { reason: "closed" });
    case "ignore":
      return stay(machine);
  }
}

function stay(machine: ConnectionMachine): MachineStep {
  return { machine, effects: [] };
}

/** Each attempt gets its own token, since tokens expire. */
function getToken(machine: ConnectionMachine, { tokenMs }: ConnectionRules): MachineStep {
  return {
    machine: { ...machine, phase: "token" },
    effects: [{ do: "setTimer", inMs: tokenMs }, { do: "getToken" }],
  };
}

/**
 * An address that says nothing is soon left for the next one. The bound doubles with each attempt: hundreds of clients of a dead node may make the
 * others answer late, and those who leave too soon only begin anew elsewhere. A single address gets four times as long: behind it may be a load balancer with other nodes, or one busy node that would only get busier.
 * The time begins anew when the socket is open, since that shows that the node lives.
 */
function firstMessageMs({ failures }: ConnectionMachine, { addresses, answerMs, openMs }: ConnectionRules): Millis {
  const doublings = addresses > 1 ? Math.max(0, failures - 1) : Math.max(2, failures + 1);
  return Math.min(openMs, answerMs * 2 ** doublings);
}

function dial(machine: ConnectionMachine, rules: ConnectionRules): MachineStep {
  return {
    machine: { ...machine, phase: "dialing" },
    effects: [
      { do: "setTimer", inMs: firstMessageMs(machine, rules) },
      { do: "dial", address: machine.address },
    ],
  };
}

function open(machine: ConnectionMachine, moment: Moment): MachineStep {
  const { now, rules } = moment;
  const opened: ConnectionMachine = { ...machine, phase: "open", wasOpen: true, openedAt: now, refusedTokens: 0 };
  const { machine: pinged, effects } = ping(opened, rules.silenceMs / 2, moment);
  return { machine: pinged, effects: [...effects, { do: "notifyOpen" }] };
}

function ping(machine: ConnectionMachine, inMs: Millis, { now }: Moment): MachineStep {
  return { machine: { ...machine, pingedAt: now }, effects: [{ do: "ping" }, { do: "setTimer", inMs }] };
}

/**
 * A ping is due after silence, and every half of `silenceMs` to measure the latency. The wait for its answer counts from the ping, not
 * from the last message: the timer of a page in the background fires late, when its ping was answered long ago. After failures the wait
 * is longer, so that the clients of busy nodes do not go from one to the other.
 */
function checkSilence(machine: ConnectionMachine, limits: SilenceLimits, moment: Moment): MachineStep {
  const { now, rules } = moment;
  const { failures, pingedAt } = machine;
  const half = rules.silenceMs / 2;
  const answerMs = isStable(machine, moment) ? limits.answerMs : Math.min(half, limits.answerMs * 2 ** failures);
  const unanswered = limits.lastMessageAt < pingedAt;
  const due = unanswered ? pingedAt + answerMs : Math.min(limits.lastMessageAt + limits.pingAfterMs, pingedAt + half);
  if (due > now) return { machine, effects: [{ do: "setTimer", inMs: due - now }] };
  return unanswered ? retry(machine, "the network is silent", "at once", moment) : ping(machine, answerMs, moment);
}

function isStable({ phase, openedAt }: ConnectionMachine, { now, rules }: Moment): boolean {
  return phase === "open" && now - openedAt >= rules.stableMs;
}

/** The protocol's table of close codes decides. A code that is not in it means a lost connection or a dead node: another one is tried at once. */
function afterClose(machine: ConnectionMachine, code: number, reason: string, moment: Moment): MachineStep {
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
    case "with backoff":
      return retry(machine, why, "with backoff", moment);
    case "at once":
    case "at once, with the resume token":
    case undefined:
      return retry(machine, why, "at once", moment);
  }
}

/** "At once" holds for one round of the addresses. A client that none of them serves backs off. */
function retry(machine: ConnectionMachine, why: string, when: "at once" | "with backoff", moment: Moment): MachineStep {
  const { random, rules } = moment;
  const failures = isStable(machine, moment) ? 1 : machine.failures + 1;
  if (!machine.wasOpen && failures >= maxInitialRounds * rules.addresses) {
    return end(machine, { reason: "unreachable", message: why });
  }
  const free = when === "at once" ? rules.addresses : 0;
  const retryInMs = failures <= free ? 0 : backoff(failures - free, random, rules);
  const address = (machine.address + 1) % rules.addresses;
  return {
    machine: { ...machine, phase: "backoff", failures, address },
    effects: [{ do: "closeSocket" }, { do: "setTimer", inMs: retryInMs }, { do: "notifyLost", why, retryInMs }],
  };
}

/** Full jitter below a bound that doubles each time, so that the clients of a dead node do not reconnect all at once. */
function backoff(failures: number, random: number, { backoffMs, maxBackoffMs }: ConnectionTiming): Millis {
  return random * Math.min(maxBackoffMs, backoffMs * 2 ** (failures - 1));
}

function end(machine: ConnectionMachine, how: ConnectionEnd): MachineStep {
  return {
    machine: { ...machine, phase: "ended" },
    effects: [{ do: "closeSocket" }, { do: "setTimer", inMs: undefined }, { do: "notifyEnd", end: how }],
  };
}

function goneBy(reason: string): "deleted" | "expired" {
  return reason === sessionGoneReasons.deleted ? "deleted" : "expired";
}

function isCloseCode(code: number): code is CloseCode {
  return Object.hasOwn(closeCodes, code);
}
