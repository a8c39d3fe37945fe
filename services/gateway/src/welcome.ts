import { playheadAt, type SessionRecord, type SessionStore } from "@tapedeck/sessions";
import type { Seq, TapeCatalog } from "@tapedeck/tape";
import type { Counters } from "./counters.js";
import { type Leg, legOf } from "./leg.js";
import { missedSince, openIfThere, type Stretch, type Token } from "./resume.js";
import { feedText, historyWindow, type SessionTexts } from "./session-texts.js";
import type { Note, Viewer } from "./viewer.js";
import type { Watch } from "./watch.js";

export interface WelcomeContext {
  readonly store: Pick<SessionStore, "epochs">;
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly texts: SessionTexts;
  readonly counters: Counters;
  /** The cluster's clock. */
  readonly now: () => number;
}

/** What a newcomer has missed of the session, exactly; `too much` where it is not known, or not worth sending. */
export type Missed = readonly Stretch[] | "nothing asked" | "too much";

/**
 * How far frames that a client has seen may lie ahead of the playhead: clocks differ, a pause comes late, and the one who takes over
 * from a ticker begins at what that one wrote last, which lies back by as long as it was starved.
 */
const aheadMs = 15_000;

/** Looks up what the holder of a token has missed. Rejects where Redis or the tapes cannot be read. */
export async function findMissed(watch: Watch, token: Token | undefined, context: WelcomeContext): Promise<Missed> {
  if (token === undefined) return "nothing asked";
  const sameEpoch = token.epoch === watch.record.epoch;
  const ended = sameEpoch ? [] : await context.store.epochs(watch.id);
  const tapes = withOwn(watch, token, context.tapes);
  const furthest = sameEpoch ? await furthestShown(watch.record, { ...context, tapes }) : 0;
  const { record, last } = watch;
  const present = { epoch: record.epoch, tape: record.tape, after: record.epochFromSeq - 1, to: last };
  const missed = await missedSince(token, ended.reverse(), present, Math.max(last, furthest), tapes);
  if (missed === undefined) context.counters.resumedIncomplete++;
  else context.counters.resumed++;
  return missed ?? "too much";
}

/** Opening a growing tape asks Redis. The session's own is open already, and serves if it has what the client has seen. */
function withOwn({ leg }: Watch, token: Token, tapes: WelcomeContext["tapes"]): WelcomeContext["tapes"] {
  const own = leg instanceof Promise ? undefined : leg.tape;
  if (own === undefined || own.span.lastSeq < token.after) return tapes;
  return { open: async (name) => (name === own.id ? own : tapes.open(name)) };
}

/** The last frame that any viewer of this epoch can have seen by now. */
async function furthestShown(record: SessionRecord, { tapes, now }: WelcomeContext): Promise<Seq> {
  if (record.tape === "") return -1;
  const tape = await openIfThere(record.tape, tapes);
  return tape === undefined ? -1 : tape.seqAt(playheadAt(record, now(), tape) + aheadMs * 1e6 * record.speed);
}

/** Tells a new viewer what comes first and where its frames begin. From here on the watch keeps it up to date. */
export function welcome(viewer: Viewer, watch: Watch, missed: Missed, context: WelcomeContext): void {
  const session = () => context.texts.session(watch.record, watch.connections);
  const stretches = typeof missed === "string" ? [] : missed;
  const present = stretches.at(-1);
  if (present?.epoch === watch.record.epoch) {
    stretches.forEach((stretch, nth) => {
      const note =
        stretch === present
          ? { leg: watch.leg, history: { to: watch.last, complete: true } }
          : { leg: pastLeg(stretch, watch, context), history: { to: stretch.to, complete: true } };
      const before = stretches[nth - 1];
      viewer.tell({
        ...note,
        from: stretch.after,
        ...(before && { until: { epoch: before.epoch, seq: before.to } }),
        text: nth === 0 ? session : () => stateOf(stretch, present, watch, context),
      });
    });
  } else {
    // A session that moved on while we looked is not worth looking again: the client starts afresh.
    const { after, to } = historyWindow(watch.record, watch.last);
    const note: Note = { leg: watch.leg, from: after, history: { to, complete: missed === "nothing asked" } };
    viewer.tell({ ...note, text: session });
  }
  const { feed } = watch;
  if (feed) viewer.tell({ text: () => feedText(feed) });
}

async function pastLeg({ epoch, tape }: Stretch, { record }: Watch, { tapes }: WelcomeContext): Promise<Leg> {
  const past = { ...record, epoch, tape };
  return legOf(past, tape === "" ? undefined : await tapes.open(tape).catch(() => undefined));
}

/** The state at the head of a later epoch. Of one that is over only its place is remembered; the rest is as it is now. */
function stateOf(stretch: Stretch, present: Stretch, watch: Watch, { texts }: WelcomeContext): Promise<string> {
  const { record, connections } = watch;
  if (stretch === present) return texts.state(record, "command", connections);
  return texts.state({ ...record, epoch: stretch.epoch, tape: stretch.tape }, "command", connections, stretch.to);
}
