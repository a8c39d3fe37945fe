import type { WallMs } from "@tapedeck/protocol";
import {
  canFollowEdge,
  endsAt,
  needsTicker,
  type PlaybackPlan,
  planPlayback,
  type SessionRecord,
  wallAt,
  willGrow,
} from "@tapedeck/sessions";
import { isCacheMiss, nextCut, render, renderStretch, type Seq } from "@tapedeck/tape";
import type { SessionSubscription } from "../subscription/subscription.js";
import { behindMs } from "./due-frame.js";

/** When the session is to be visited next, on Redis's clock; or that it needs no cover any more, or cannot have it. */
export type NextVisit = { readonly at: WallMs } | { readonly after: Promise<unknown> } | "served" | "impossible";

/** Up to when frames may be shown: nothing that was published before can still be on its way to this node. */
export interface CoverLimits {
  /** Redis's clock. */
  readonly now: WallMs;
  /** When the newest echo that has come back through the session's master was sent. */
  readonly echoedAt: WallMs;
}

/** A frame is covered this long after it was due, so that a ticker that is back comes first. */
const afterDueMs = 40;
const growthMs = 50;
const unreadMs = 10;
/** Messages of one session in one visit, so that a session that catches up does not delay the others. */
const messagesPerVisit = 32;

/**
 * One session while this gateway renders what its ticker should have published: the same cuts, from the same plan, when they are due.
 * The delivery cursor is the only state that counts; what a ticker publishes meanwhile moves it too.
 */
export class CoveredSession {
  readonly subscription: SessionSubscription;
  /** The frames of this revision that were shown here, for Redis to know; undefined if it knows. */
  unwritten: { readonly rev: number; readonly seq: Seq } | undefined;
  /** Its ticker's frames do not end cover before this time, on the monotonic clock. */
  keepUntil = Number.NEGATIVE_INFINITY;
  #plan: PlaybackPlan | undefined;
  /** Where the delivery cursor was left. */
  #after: Seq = -1;
  /** A message whose blocks are not all in memory. */
  #rendered: { readonly after: Seq; readonly seq: Seq; readonly json: string } | undefined;

  constructor(subscription: SessionSubscription) {
    this.subscription = subscription;
  }

  /**
   * Shows what is due.
   *
   * @param tickerBack whether its ticker publishes again: then cover ends as soon as the ticker's frames move the cursor
   */
  visit(limits: CoverLimits, tickerBack: boolean): NextVisit {
    const { subscription } = this;
    const { record, segment, lastSeq } = subscription;
    if (subscription.ended || subscription.subscribers.size === 0 || !needsTicker(record)) return "served";
    if (segment instanceof Promise) return { after: segment };
    if (!subscription.interruptions.upToDate) return { at: limits.now + unreadMs };
    const { tape } = segment;
    if (tape === undefined) return "impossible";
    const plan = this.#plan;
    if (plan?.record !== record || plan.tape !== tape) {
      this.#after = lastSeq;
      this.#rendered = undefined; // of another tape, perhaps
      return { after: this.#makePlan(record, segment) };
    }
    if (lastSeq !== this.#after) {
      if (tickerBack) return "served";
      this.#after = lastSeq;
    }
    for (let room = messagesPerVisit; room > 0; room--) {
      const next = this.#showNext(plan, limits);
      if (next !== undefined) return next;
    }
    return { at: limits.now };
  }

  async #makePlan(record: SessionRecord, { tape }: { tape: PlaybackPlan["tape"] | undefined }): Promise<void> {
    if (tape !== undefined) this.#plan = await planPlayback(record, tape);
  }

  /** Undefined if a message was shown, and there may be more. */
  #showNext(plan: PlaybackPlan, { now, echoedAt }: CoverLimits): NextVisit | undefined {
    const { tape, pace, record, last } = plan;
    if (this.#after + 1 < tape.span.firstSeq) return "impossible"; // retention has removed it
    const cut = nextCut(tape, pace, this.#after, last);
    if (isCacheMiss(cut)) return { after: tape.load(cut.seqToLoad) };
    const dueMs = cut === undefined ? endsAt(plan) : wallAt(record, cut.ns, pace.timeline);
    if (now - dueMs > behindMs) return "impossible";
    if (now < dueMs + afterDueMs || echoedAt < dueMs) return { at: Math.max(now, dueMs + afterDueMs) };
    if (cut === undefined) return this.#end(plan, now);
    const { seq } = cut;
    const made = this.#rendered;
    const json = made?.after === this.#after && made.seq === seq ? made.json : renderStretch(tape, this.#after, seq);
    if (isCacheMiss(json)) return { after: this.#renderAsync(plan, this.#after, seq) };
    this.#rendered = undefined;
    this.#after = seq;
    this.unwritten = { rev: record.rev, seq };
    this.subscription.cover(json, seq);
    return undefined;
  }

  async #renderAsync({ tape }: PlaybackPlan, after: Seq, seq: Seq): Promise<void> {
    this.#rendered = { after, seq, json: await render(tape, after, seq) };
  }

  /** The first gateway that gets here writes the end, or the next round of a loop. The edge and parking wait for a ticker. */
  #end({ record, tape }: PlaybackPlan, now: WallMs): NextVisit {
    if (canFollowEdge(record, tape.span.growing)) return "impossible";
    if (willGrow(record, tape)) return { at: now + growthMs };
    return { after: this.subscription.perform({ type: record.loop ? "wrap" : "end" }) };
  }
}
