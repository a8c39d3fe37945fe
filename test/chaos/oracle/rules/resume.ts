import type { Token, Violation } from "../history.js";
import type { Item, Observations, ViewerLog } from "../observations.js";
import { type Rule, violation } from "./rule.js";

/** What docs/protocol.md promises to remember, with a margin for what other viewers did not see. */
const remembered = { epochs: 8, frames: 1_900 } as const;
/** A session that changes while a client connects may make it start afresh. */
const changingMs = 1_000;

interface Connection {
  /** When the client began to connect. */
  readonly since: number;
  readonly token: Token;
  /** Up to the next connection. */
  readonly items: readonly Item[];
}

/** [C24] [G20] [G21] A viewer with a token gets the rest of its epoch and every later epoch; frame by frame is [C4]. */
export const resumesExactly: Rule = (observed) => {
  const found: Violation[] = [];
  for (const log of observed.viewers) {
    for (const { since, token, items } of connectionsOf(log)) {
      const first = items.find((item) => item.kind === "history");
      if (first?.kind !== "history") continue;
      const { viewer } = log;
      if (!first.complete) {
        if (isOld(observed, token, since, first.at)) continue;
        const text = `the token (${token.epoch}, ${token.after}] was refused although nothing made it too old`;
        found.push(violation("C24", observed, { viewer, epoch: token.epoch, seq: token.after, at: first.at }, text));
        continue;
      }
      found.push(...missing(observed, viewer, token, items));
    }
  }
  return found;
};

function connectionsOf({ items }: ViewerLog): Connection[] {
  const starts = items.flatMap((item, index) => (item.kind === "dialled" ? [index] : []));
  return starts.flatMap((start, nth) => {
    const dialled = items[start];
    if (dialled?.kind !== "dialled" || dialled.token === undefined) return [];
    return [{ since: dialled.since, token: dialled.token, items: items.slice(start + 1, starts[nth + 1]) }];
  });
}

function isOld(
  { revisions, viewers, tapes, writesMayBeLost }: Observations,
  token: Token,
  since: number,
  until: number,
): boolean {
  if (writesMayBeLost) return true;
  const later = new Set(revisions.filter(({ epoch }) => epoch > token.epoch).map(({ epoch }) => epoch));
  const looped = revisions.some(({ epoch, views }) => epoch >= token.epoch && views.some(({ view }) => view.loop));
  const changing = revisions.some(
    ({ views: [first] }) => first !== undefined && first.at > since - changingMs && first.at < until + changingMs,
  );
  let frames = 0;
  for (const { items } of viewers) {
    for (const item of items)
      if (item.kind === "frame" && item.epoch === token.epoch) frames = Math.max(frames, item.seq - token.after);
  }
  // Whatever the feed lost of a market cannot be sent again.
  const live = tapes.get(token.epoch)?.startsWith("live") ?? true;
  return later.size >= remembered.epochs || looped || changing || frames > remembered.frames || live;
}

function missing(observed: Observations, viewer: string, token: Token, items: readonly Item[]): Violation[] {
  const found: Violation[] = [];
  const histories = items.flatMap((item) => (item.kind === "history" ? [item] : []));
  const last = histories.at(-1);
  const shown = items.find((item) => item.kind === "view" && item.cause === "session");
  if (last === undefined || shown?.kind !== "view") return found;
  const epochs = new Set(histories.map(({ epoch }) => epoch));
  for (const { epoch } of observed.revisions) {
    if (epoch <= token.epoch || epoch >= last.epoch || epochs.has(epoch)) continue;
    const text = `epoch ${epoch} is missing from what the token (${token.epoch}, ${token.after}] got`;
    found.push(violation("G21", observed, { viewer, epoch, at: last.at }, text));
  }
  if (last.epoch === token.epoch) return found;
  const got = Math.max(
    token.after,
    ...items.flatMap((item) => (item.kind === "frame" && item.epoch === token.epoch ? [item.seq] : [])),
  );
  const live = observed.revisions.some(({ epoch, views }) => epoch === token.epoch && views[0]?.view.mode === "LIVE");
  for (const other of live ? [] : observed.viewers) {
    const most = Math.max(
      -1,
      ...other.items.flatMap((item) => (item.kind === "frame" && item.epoch === token.epoch ? [item.seq] : [])),
    );
    if (most <= got) continue;
    const text = `the token (${token.epoch}, ${token.after}] got its epoch up to frame ${got}, ${other.viewer} saw frame ${most}`;
    found.push(violation("G21", observed, { viewer, epoch: token.epoch, seq: got, at: last.at }, text));
    break;
  }
  return found;
}
