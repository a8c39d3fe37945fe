import { type CloseCode, closeCodes, goneReasons } from "@tapedeck/protocol/wire";
import { backoff } from "./backoff.js";
import { type Link, type LinkEnd, type LinkEvent, type LinkStep, linkMoves } from "./link.js";
import { firstAttempts, type LinkRules, type Millis, mostRefusedTokens } from "./link-rules.js";

export interface LinkMoment {
  readonly now: Millis;
  /** From 0 to 1: chance is passed in, as time is. */
  readonly random: number;
  readonly rules: LinkRules;
}

/** A new link, at its first attempt. */
export function startLink(rules: LinkRules): LinkStep {
  const counts = { address: 0, failures: 0, refusedTokens: 0 };
  return ask({ phase: "waiting", ...counts, opened: false, since: 0, pingedAt: undefined }, rules);
}

/** Pure: what an event makes of a link, and what is to be done. */
export function stepLink(link: Link, event: LinkEvent, moment: LinkMoment): LinkStep {
  switch (linkMoves[link.phase][event.type]) {
    case "ask":
      return ask(link, moment.rules);
    case "dial":
      return dial(link, moment.rules);
    case "open":
      return open(link, moment);
    case "listen":
      return event.type === "woke" ? listen(link, event.heardAt, moment) : stay(link);
    case "late":
      return retry(link, link.phase === "asking" ? "no token came" : "no answer", "with backoff", moment);
    case "no token":
      return event.type === "noToken" ? retry(link, event.why, "with backoff", moment) : stay(link);
    case "judge":
      return event.type === "lost" ? judge(link, event.code, event.reason, moment) : stay(link);
    case "end":
      return end(link, { reason: "closed" });
    case "nothing":
      return stay(link);
  }
}

function stay(link: Link): LinkStep {
  return { link, effects: [] };
}

/** A token is asked for at each attempt, since none is good for ever. */
function ask(link: Link, { tokenMs }: LinkRules): LinkStep {
  return {
    link: { ...link, phase: "asking", pingedAt: undefined },
    effects: [{ do: "wake", inMs: tokenMs }, { do: "ask" }],
  };
}

function dial(link: Link, { openMs }: LinkRules): LinkStep {
  return {
    link: { ...link, phase: "dialing" },
    effects: [
      { do: "wake", inMs: openMs },
      { do: "dial", address: link.address },
    ],
  };
}

function open(link: Link, { now, rules }: LinkMoment): LinkStep {
  return {
    link: { ...link, phase: "open", opened: true, since: now, refusedTokens: 0, pingedAt: now },
    effects: [{ do: "ping" }, { do: "wake", inMs: rules.silenceMs / 2 }, { do: "tell", news: "open" }],
  };
}

/**
 * Half of the silence is for asking, half for the answer. Silence is counted from a ping and not from the last message: a
 * page in the background wakes late, and then finds a ping answered long ago.
 */
function listen(link: Link, heardAt: Millis, moment: LinkMoment): LinkStep {
  const { now, rules } = moment;
  const patience = rules.silenceMs / 2;
  const { pingedAt } = link;
  if (pingedAt !== undefined && heardAt < pingedAt) {
    const left = pingedAt + patience - now;
    if (left > 0) return { link, effects: [{ do: "wake", inMs: left }] };
    return retry(link, "the network is silent", "with backoff", moment);
  }
  return { link: { ...link, pingedAt: now }, effects: [{ do: "ping" }, { do: "wake", inMs: patience }] };
}

/** What a close means is said by the protocol's table; a code that is not in it is a lost connection or a dead node. */
function judge(link: Link, code: number, reason: string, moment: LinkMoment): LinkStep {
  const known = isCloseCode(code) ? closeCodes[code] : undefined;
  const why = `${known?.name ?? "connection lost"} (${code}${reason === "" ? "" : `: ${reason}`})`;
  switch (known?.reconnect) {
    case "never":
      return end(link, code === 4404 ? { reason: goneBy(reason) } : { reason: "refused", code, message: why });
    case "with a fresh token": {
      const refusedTokens = link.refusedTokens + 1;
      if (!moment.rules.freshTokens || refusedTokens >= mostRefusedTokens) {
        return end(link, { reason: "refused", code, message: why });
      }
      return retry({ ...link, refusedTokens }, why, refusedTokens === 1 ? "at once" : "with backoff", moment);
    }
    case "at once":
    case "at once, with the resume token":
      return retry(link, why, "at once", moment);
    case "with backoff":
    case undefined:
      return retry(link, why, "with backoff", moment);
  }
}

/** "At once" is good for one round of the addresses; who is sent away by all of them has to wait as well. */
function retry(link: Link, why: string, when: "at once" | "with backoff", moment: LinkMoment): LinkStep {
  const { now, random, rules } = moment;
  const lasted = link.phase === "open" && now - link.since >= rules.stableMs;
  const failures = lasted ? 1 : link.failures + 1;
  if (!link.opened && failures >= firstAttempts * rules.addresses)
    return end(link, { reason: "unreachable", message: why });
  const free = when === "at once" ? rules.addresses : 0;
  const retryInMs = failures <= free ? 0 : backoff(failures - free, random, rules);
  return {
    link: { ...link, phase: "waiting", failures, address: (link.address + 1) % rules.addresses, pingedAt: undefined },
    effects: [{ do: "hang up" }, { do: "wake", inMs: retryInMs }, { do: "tell", news: "lost", why, retryInMs }],
  };
}

function end(link: Link, how: LinkEnd): LinkStep {
  return {
    link: { ...link, phase: "ended", pingedAt: undefined },
    effects: [{ do: "hang up" }, { do: "wake", inMs: undefined }, { do: "tell", news: "ended", end: how }],
  };
}

function goneBy(reason: string): "deleted" | "expired" {
  return reason === goneReasons.deleted ? "deleted" : "expired";
}

function isCloseCode(code: number): code is CloseCode {
  return Object.hasOwn(closeCodes, code);
}
