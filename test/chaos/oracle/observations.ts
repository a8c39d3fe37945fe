import type { Fill, History, Outcome, SessionEvent, Token, View } from "./history.js";

/** A frame on a viewer's screen: it stands for the frames (prev, seq] of `epoch`. */
export interface Shown {
  readonly kind: "frame";
  readonly at: number;
  readonly epoch: number;
  readonly prev: number;
  readonly seq: number;
  readonly json: string;
  readonly from: "history" | "live";
  /** A `lag` came just before it: frames may be merged or left out. */
  readonly lagging: boolean;
}

export interface SeenView {
  readonly kind: "view";
  readonly at: number;
  /** `session`, or the cause of a `state`. */
  readonly cause: string;
  readonly view: View;
}

/** What one viewer received, in order. */
export type Item =
  | Shown
  | SeenView
  /** The header of an ended epoch in a resume: only its epoch and tape are those of the past. */
  | { readonly kind: "past"; readonly at: number; readonly view: View }
  | { readonly kind: "dialled"; readonly at: number; readonly since: number; readonly token: Token | undefined }
  | { readonly kind: "history"; readonly at: number; readonly epoch: number; readonly complete: boolean }
  | { readonly kind: "fill"; readonly at: number; readonly fill: Fill }
  | { readonly kind: "closed"; readonly at: number; readonly code: number };

export interface ViewerLog {
  readonly viewer: string;
  readonly items: readonly Item[];
}

export interface CommandLog {
  readonly id: string;
  readonly via: string | undefined;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly sentAt: number;
  /** Infinity without an answer. */
  readonly answeredAt: number;
  readonly outcome: Outcome;
}

/** A revision of the session that somebody saw. */
export interface Revision {
  readonly epoch: number;
  readonly rev: number;
  /** All views of it, the first seen first. */
  readonly views: readonly { readonly at: number; readonly view: View }[];
  /** The cause of its `state`, if one was seen. */
  readonly cause: string | undefined;
  /** Commands that were answered with it. */
  readonly commands: readonly CommandLog[];
}

/** A history in the form in which the rules read it. */
export interface Observations {
  readonly session: string;
  readonly gaps: "skip" | "keep";
  readonly viewers: readonly ViewerLog[];
  readonly commands: readonly CommandLog[];
  readonly reads: readonly { readonly sentAt: number; readonly at: number; readonly view: View }[];
  /** Oldest first. */
  readonly revisions: readonly Revision[];
  /** The tape of each epoch: the newest one, since an order may give an epoch another tape with the same frames so far. */
  readonly tapes: ReadonlyMap<number, string>;
  readonly writesMayBeLost: boolean;
}

export function isMoving({ state, parked, tape }: View): boolean {
  return state === "PLAYING" && !parked && tape !== null;
}

/** Whether a LIVE session plays the newest frames as they come: these have no pace but the market's. */
export function isAtEdge(view: View): boolean {
  return view.mode === "LIVE" && isMoving(view) && (view.behindMs ?? 0) === 0;
}

/** The next item of these kinds from an index on. */
export function nextOf<K extends Item["kind"]>(
  items: readonly Item[],
  index: number,
  ...kinds: readonly K[]
): Extract<Item, { kind: K }> | undefined {
  const wanted: ReadonlySet<string> = new Set(kinds);
  for (let at = index; at < items.length; at++) {
    const item = items[at];
    if (item !== undefined && wanted.has(item.kind)) return isOneOf(item, wanted) ? item : undefined;
  }
  return undefined;

  function isOneOf(item: Item, names: ReadonlySet<string>): item is Extract<Item, { kind: K }> {
    return names.has(item.kind);
  }
}

/** Whether a command without a result may have taken effect: "unavailable" may be said of one that did. */
export function isUncertain({ outcome }: Pick<CommandLog, "outcome">): boolean {
  return outcome.kind === "lost" || (outcome.kind === "refused" && outcome.code === "UNAVAILABLE");
}

/** How many orders may have made another tape of a session's without anybody's learning its name. */
export function uncertainOrders({ commands }: Pick<Observations, "commands">): number {
  return commands.filter((command) => command.name === "order" && isUncertain(command)).length;
}

export function compare(a: Pick<View, "epoch" | "rev">, b: Pick<View, "epoch" | "rev">): number {
  return a.epoch - b.epoch || a.rev - b.rev;
}

export function observe({ session, gaps, events }: History): Observations {
  const commands = commandsOf(events);
  const reads = events.flatMap((event) => (event.kind === "read" ? [event] : []));
  const names = new Set(events.flatMap((event) => ("viewer" in event ? [event.viewer] : [])));
  const viewers = [...names].map((viewer) => ({ viewer, items: itemsOf(events, viewer) }));
  const writesMayBeLost = events.some((event) => event.kind === "fault" && event.losesWrites);
  const revisions = revisionsOf(viewers, commands, reads);
  const tapes = tapesOf(viewers, revisions);
  return { session, gaps, viewers, commands, reads, revisions, tapes, writesMayBeLost };
}

function tapesOf(viewers: readonly ViewerLog[], revisions: readonly Revision[]): Map<number, string> {
  const tapes = new Map<number, string>();
  for (const { epoch, views } of revisions) {
    const tape = views[0]?.view.tape;
    if (tape) tapes.set(epoch, tape);
  }
  // The header of an epoch that has ended names its last tape, whose revision nobody may have seen.
  for (const { items } of viewers) {
    for (const item of items) {
      if (item.kind === "past" && item.view.tape !== null) tapes.set(item.view.epoch, item.view.tape);
    }
  }
  return tapes;
}

function commandsOf(events: readonly SessionEvent[]): CommandLog[] {
  const answers = new Map(events.flatMap((event) => (event.kind === "answer" ? [[event.id, event] as const] : [])));
  return events.flatMap((event) => {
    if (event.kind !== "command") return [];
    const { id, via, name, args, at: sentAt } = event;
    const answer = answers.get(id);
    const outcome = answer?.outcome ?? { kind: "lost" };
    const answeredAt = answer === undefined || outcome.kind === "lost" ? Number.POSITIVE_INFINITY : answer.at;
    return [{ id, via, name, args, sentAt, answeredAt, outcome }];
  });
}

function itemsOf(events: readonly SessionEvent[], viewer: string): Item[] {
  const items: Item[] = [];
  // A frame belongs to the epoch of the last `session`, `state` or `history` before it.
  let epoch = 0;
  let newest = 0;
  let lagging = false;
  for (const event of events) {
    if (!("viewer" in event) || event.viewer !== viewer) continue;
    const { at } = event;
    switch (event.kind) {
      case "dialled":
        newest = 0;
        lagging = false;
        items.push(event);
        break;
      case "session":
      case "state": {
        const { view } = event;
        epoch = view.epoch;
        if (epoch < newest) items.push({ kind: "past", at, view });
        else items.push({ kind: "view", at, cause: event.kind === "state" ? event.cause : "session", view });
        newest = Math.max(newest, epoch);
        break;
      }
      case "history": {
        epoch = event.epoch;
        items.push({ kind: "history", at, epoch, complete: event.complete });
        for (const { seq, skipped, json } of event.frames) {
          items.push({ kind: "frame", at, epoch, prev: seq - 1 - skipped, seq, json, from: "history", lagging: false });
        }
        break;
      }
      case "frame": {
        const { seq, skipped, json } = event.frame;
        items.push({ kind: "frame", at, epoch, prev: seq - 1 - skipped, seq, json, from: "live", lagging });
        lagging = false;
        break;
      }
      case "lag":
        lagging = true;
        break;
      default:
        items.push(event);
    }
  }
  return items;
}

function revisionsOf(
  viewers: readonly ViewerLog[],
  commands: readonly CommandLog[],
  reads: Observations["reads"],
): Revision[] {
  const found = new Map<
    string,
    { epoch: number; rev: number; views: { at: number; view: View }[]; cause?: string; commands: CommandLog[] }
  >();
  const at = ({ epoch, rev }: View) => {
    const key = `${epoch}:${rev}`;
    const known = found.get(key) ?? { epoch, rev, views: [], commands: [] };
    found.set(key, known);
    return known;
  };
  for (const { items } of viewers) {
    for (const item of items) {
      if (item.kind !== "view") continue;
      const revision = at(item.view);
      revision.views.push({ at: item.at, view: item.view });
      // A node that reads the session again says "command" of whatever it finds.
      if (item.cause !== "session" && (revision.cause ?? "command") === "command") revision.cause = item.cause;
    }
  }
  for (const command of commands) {
    if (command.outcome.kind !== "done") continue;
    const revision = at(command.outcome.view);
    revision.views.push({ at: command.answeredAt, view: command.outcome.view });
    revision.commands.push(command);
  }
  for (const { at: seenAt, view } of reads) at(view).views.push({ at: seenAt, view });
  return [...found.values()]
    .map(({ views, cause, ...rest }) => ({ ...rest, cause, views: views.sort((a, b) => a.at - b.at) }))
    .sort(compare);
}
