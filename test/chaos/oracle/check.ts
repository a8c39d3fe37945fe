import type { History, Violation } from "./history.js";
import { observe } from "./observations.js";
import { revisionsAgree, socketsAgree } from "./rules/agreement.js";
import { commandsTakeEffect, nothingElseChanges } from "./rules/commands.js";
import { answersInOrder, firstMessages } from "./rules/connection.js";
import { eachFrameOnce } from "./rules/each-frame-once.js";
import { fillsAreShown } from "./rules/fills.js";
import { frameCap } from "./rules/frame-cap.js";
import { framesOfTape } from "./rules/frames-of-tape.js";
import { landsThere, showsLanding } from "./rules/landing.js";
import { modesAreKept } from "./rules/modes.js";
import { neverEarly } from "./rules/never-early.js";
import { nothingWhilePaused } from "./rules/paused.js";
import { endsAtTheEnd, insideRange } from "./rules/range.js";
import { resumesExactly } from "./rules/resume.js";
import { answersStand, revisionsGrow } from "./rules/revisions.js";
import type { Rule } from "./rules/rule.js";
import type { Tapes } from "./tapes.js";

/** Each by itself, for callers that have other work between them. */
export const rules: readonly Rule[] = [
  firstMessages,
  answersInOrder,
  revisionsGrow,
  answersStand,
  commandsTakeEffect,
  nothingElseChanges,
  revisionsAgree,
  socketsAgree,
  eachFrameOnce,
  framesOfTape,
  nothingWhilePaused,
  neverEarly,
  frameCap,
  landsThere,
  showsLanding,
  insideRange,
  endsAtTheEnd,
  resumesExactly,
  modesAreKept,
  fillsAreShown,
];

/** What makes a history impossible by the protocol, the earliest first; nothing if some order of events explains all of it. */
export function check(history: History, tapes: Tapes): Violation[] {
  const observed = observe(history);
  return rules.flatMap((rule) => rule(observed, tapes)).sort((a, b) => a.at - b.at);
}

/** One line. */
export function describe({ rule, session, viewer, epoch, seq, at, text }: Violation): string {
  const place = [`session ${session}`, viewer, epoch && `epoch ${epoch}`, seq !== undefined && `frame ${seq}`].filter(
    Boolean,
  );
  return `[${rule}] ${text} (${place.join(", ")}, at ${new Date(at).toISOString()})`;
}
