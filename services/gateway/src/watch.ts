import { type Command, type FeedStatus, RefusedError, type StateCause } from "@tapedeck/protocol";
import { beginSpan, type Logger, type Span, traceparent } from "@tapedeck/runtime";
import {
  type CommandResult,
  decodeState,
  type FrameHead,
  feedUserOf,
  isMoving,
  parseHead,
  type Requester,
  type SessionRecord,
  type SessionService,
  type SessionStore,
  type StateHead,
  type StoredSession,
  type SystemCommand,
  traceOf,
} from "@tapedeck/sessions";
import type { Seq, Tape, TapeCatalog } from "@tapedeck/tape";
import { notesOf } from "./change-notes.js";
import type { Counters } from "./counters.js";
import type { DeliveryDelay } from "./delivery-delay.js";
import { Edge, type EdgeContext, type EdgeHolder } from "./edge.js";
import type { Leg } from "./leg.js";
import { Legs } from "./legs.js";
import { isNews, judge, passed, type Reception, takeIn } from "./reception.js";
import { feedText, type SessionTexts } from "./session-texts.js";
import { newer, standing } from "./standing.js";
import type { Note, Source, Viewer } from "./viewer.js";

/** What a watch needs of the process it lives in. */
export interface WatchContext {
  readonly sessions: Pick<SessionService, "perform">;
  readonly store: Pick<SessionStore, "read">;
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly texts: SessionTexts;
  readonly edge: EdgeContext;
  readonly counters: Counters;
  readonly delay: DeliveryDelay;
  readonly log: Logger;
  /** The session is no more: its sockets are to be closed. */
  readonly onGone: (watch: Watch, cause: "deleted" | "expired") => void;
}

/** The session as it was last heard of, and what its frames come from. */
interface Present {
  readonly record: SessionRecord;
  readonly leg: Leg | Promise<Leg>;
}

/** How long a session that could not be read waits for the next try, in ms. */
const rereadMs = 250;
/** Why a session changed that this node changes by itself. */
const causes: { readonly [type in (Command | SystemCommand)["type"]]?: StateCause } = {
  unpark: "unparked",
  tune: "tuned",
};

/** A session that sockets of this node watch: what was heard of it, and the viewers that are to be kept up with that. */
export class Watch implements Source, EdgeHolder {
  readonly id: string;
  readonly channel: string;
  readonly viewers = new Set<Viewer>();
  /** Sockets, and upgrades under way, on whose behalf the channel is subscribed. */
  holds = 0;
  /** Sockets here that the cluster has been told of, and those on other nodes that it told us of. */
  told = 0;
  #elsewhere = 0;
  /** Resolves when the session is known. */
  ready: Promise<void> = Promise.resolve();
  readonly #context: WatchContext;
  readonly #log: Logger;
  readonly #legs: Legs;
  readonly #edge: Edge;
  #heard: Reception = { epoch: 0, rev: 0, last: -1 };
  #present: Present | undefined;
  /** The newest of what came before the session was known, or from a revision that nobody had told of. */
  #earlyFrame: FrameHead | undefined;
  #earlyState: { readonly record: SessionRecord; readonly cause: StateCause } | undefined;
  #earlyEnd = false;
  #rereading: Promise<void> | undefined;
  #gone = false;
  /** Of the newest traced command, as long as no frame of what it changed has been shown here. */
  #awaited: Span | undefined;

  constructor(id: string, channel: string, context: WatchContext) {
    this.id = id;
    this.channel = channel;
    this.#context = context;
    this.#log = context.log.child({ session: id });
    this.#legs = new Legs(context.tapes, this.#log);
    this.#edge = new Edge(this, context.edge);
  }

  get last(): Seq {
    return this.#heard.last;
  }

  /** Sockets on this session in the whole cluster, as far as this node knows. */
  get connections(): number {
    return this.viewers.size + this.#elsewhere;
  }

  /** @param all sockets on all nodes, as Redis counts them */
  noteConnections(all: number): void {
    this.#elsewhere = Math.max(0, all - this.told);
  }

  get gone(): boolean {
    return this.#gone;
  }

  get record(): SessionRecord {
    return this.#known().record;
  }

  get leg(): Leg | Promise<Leg> {
    return this.#known().leg;
  }

  /** How the session's feed is, or why it has no tape. */
  get feed(): FeedStatus | undefined {
    return this.#edge.feed ?? this.record.feed ?? undefined;
  }

  #known(): Present {
    if (this.#present === undefined) throw new Error(`session ${this.id} is not read yet`);
    return this.#present;
  }

  /** HOT: a message on the session's channel. */
  receive(message: Buffer): void {
    const { counters, delay } = this.#context;
    counters.messagesReceived++;
    const head = parseHead(message);
    if (head === undefined) {
      counters.unreadable++;
      return;
    }
    if (head.kind !== "F") {
      this.#receiveState(head, message);
      return;
    }
    if (this.#present === undefined) {
      this.#earlyFrame = newer(this.#earlyFrame, head);
      return;
    }
    switch (judge(this.#heard, head)) {
      case "forward": {
        this.#heard = passed(this.#heard, head);
        const body = message.subarray(head.body);
        for (const viewer of this.viewers) viewer.forward(body, head.seq);
        if (this.#awaited !== undefined) this.shown(this.#heard.epoch);
        if (delay.wanted) delay.sample(body, this.#present.leg);
        return;
      }
      case "heal":
        counters.holes++;
        this.#heard = passed(this.#heard, head);
        this.#wakeViewers();
        return;
      case "ahead":
        this.#earlyFrame = newer(this.#earlyFrame, head);
        void this.reread();
        return;
      case "stale":
        counters.stale++;
        return;
      case "repeat":
        counters.repeats++;
        return;
    }
  }

  #receiveState(head: StateHead, message: Buffer): void {
    if (head.kind === "D") {
      this.#receiveEnd(head);
      return;
    }
    if (this.#present !== undefined && !isNews(this.#heard, head)) return; // ours, or already read
    try {
      const body = message.toString("latin1", head.body);
      this.#await(traceOf(body));
      this.adopt(decodeState(body), head.cause);
    } catch (error) {
      this.#context.counters.unreadable++;
      this.#log.error({ err: error }, "state not readable, written by another release?");
    }
  }

  /** HOT: at the edge the market's frames are the session's. */
  advance(seq: Seq, message: Uint8Array | string | undefined): void {
    this.#heard = passed(this.#heard, { seq });
    this.#context.counters.edgeFrames++;
    if (message === undefined) this.#wakeViewers();
    else {
      for (const viewer of this.viewers) viewer.forward(message, seq);
      if (this.#awaited !== undefined) this.shown(this.#heard.epoch);
    }
  }

  /** The session as it was read; whatever was heard meanwhile counts too. */
  async begin({ record, connections }: StoredSession): Promise<void> {
    this.noteConnections(connections);
    this.#edge.follow(record);
    const opening = this.#legs.settle(undefined, record);
    // At the edge nothing but the tape tells how far the session has come.
    const leg = record.edge ? await opening : opening;
    this.#present = { record, leg };
    this.#heard = { epoch: record.epoch, rev: record.rev, last: standing(record) };
    this.#whenSettled(record, leg);
    const early = this.#earlyState;
    this.#earlyState = undefined;
    if (early !== undefined) this.adopt(early.record, early.cause);
    this.#takeEarlyFrame();
    if (this.#earlyEnd) void this.reread();
  }

  /** A change of the session, from wherever it was heard. What is no news changes nothing. */
  adopt(record: SessionRecord, cause: StateCause): void {
    if (this.#present === undefined) {
      this.#earlyState = { record, cause };
      return;
    }
    const { record: before } = this.#present;
    const heard = this.#heard;
    if (!isNews(heard, record)) {
      if (record.epoch === heard.epoch && record.rev === heard.rev && standing(record) > heard.last) {
        this.#heard = { ...heard, last: standing(record) };
        this.#wakeViewers();
      }
      this.#takeEarlyFrame();
      return;
    }
    const leg = this.#legs.settle(before, record);
    this.#present = { record, leg };
    this.#heard = takeIn(heard, { epoch: record.epoch, rev: record.rev, seq: standing(record) });
    const text = () => this.#context.texts.state(record, cause, this.connections);
    const notes = notesOf({ before, record, cause, leg, was: heard, now: this.#heard, text });
    for (const note of notes) this.#tellAll(note);
    this.#edge.follow(record);
    this.#whenSettled(record, leg);
    this.#takeEarlyFrame();
    if (record.parked) this.unpark();
    else this.#standWhereShown(record);
  }

  /**
   * A frame of a live market that came while its deck was told to stand has been shown, and whoever told it so knew nothing of it.
   * On other tapes it is known when frames are due, and a deck stands before the next one is.
   */
  #standWhereShown(record: SessionRecord): void {
    const { epoch, last } = this.#heard;
    if (record.mode !== "LIVE" || isMoving(record) || last <= standing(record)) return;
    this.perform({ type: "shown", epoch, seq: last }).catch((error) =>
      this.#log.warn({ err: error }, "a deck stands before what its viewers see"),
    );
  }

  /** An id may live again before word of its end gets here, and an expired one is counted when it is made again. */
  #receiveEnd({ epoch, cause }: StateHead): void {
    if (this.#present === undefined) this.#earlyEnd = true;
    else if (cause !== "deleted") void this.reread();
    else if (epoch >= this.#heard.epoch) this.end("deleted");
  }

  #takeEarlyFrame(): void {
    const early = this.#earlyFrame;
    if (early === undefined) return;
    const verdict = judge(this.#heard, early);
    if (verdict === "ahead") {
      void this.reread();
      return;
    }
    this.#earlyFrame = undefined;
    if (verdict !== "forward" && verdict !== "heal") return;
    this.#heard = passed(this.#heard, early);
    this.#wakeViewers();
  }

  #whenSettled(record: SessionRecord, leg: Leg | Promise<Leg>): void {
    if (leg instanceof Promise) void leg.then((settled) => this.#settled(record, settled));
    else this.#settled(record, leg);
  }

  /** Where the frames of a record come from is known. At the edge all that is on the tape by now may be shown. */
  #settled(record: SessionRecord, leg: Leg): void {
    if (this.#present?.record !== record) return; // it has changed meanwhile
    this.#present = { record, leg };
    if (leg.tape === undefined) {
      if (record.tape !== "" && this.#legs.lost === record.tape) this.#edge.lose();
    } else if (record.edge) {
      this.#standAtEdge(leg.tape);
    }
  }

  #standAtEdge(tape: Tape): void {
    this.#edge.standAt(tape);
    const { lastSeq } = tape.span;
    if (lastSeq <= this.#heard.last) return;
    this.#heard = passed(this.#heard, { seq: lastSeq });
    this.#wakeViewers();
  }

  found(tape: Tape): void {
    if (this.#present === undefined) return;
    const { record, leg } = this.#present;
    if (leg instanceof Promise || leg.tape !== undefined) return; // it is opened already, or is being opened
    const later = this.#legs.take(tape, record);
    this.#present = { record, leg: later };
    this.#tellAll({ passing: true, leg: later });
    this.#standAtEdge(tape);
  }

  async tune(): Promise<boolean> {
    return (await this.perform({ type: "tune" })).changed;
  }

  feedChanged(feed: FeedStatus): void {
    this.#tellAll({ text: () => feedText(feed) });
  }

  /** Reads the session again: after a reconnection, and when something was missed. Failing that, tries until it works. */
  reread(): Promise<void> {
    this.#rereading ??= this.#reread().finally(() => {
      this.#rereading = undefined;
    });
    return this.#rereading;
  }

  async #reread(): Promise<void> {
    this.#context.counters.rereads++;
    while (!this.#gone && this.#present !== undefined) {
      try {
        const seen = this.#newestSeen();
        const read = await this.#context.store.read(this.id);
        if (read === undefined) return this.end("expired");
        this.noteConnections(read.connections);
        if (isNews(read.record, seen)) {
          // Redis has lost what this node has seen: positions of that epoch must never come again.
          const { epoch, rev } = seen;
          this.#log.warn(
            { epoch, rev, found: [read.record.epoch, read.record.rev] },
            "Redis lost a change: recovering",
          );
          this.adopt(
            (await this.#context.sessions.perform(this.id, { type: "recover", epoch, rev })).record,
            "recover",
          );
        } else {
          this.adopt(read.record, "command");
        }
        if (this.#earlyFrame !== undefined) continue; // it came while we read, and is from a later revision still
        if (this.record.parked) this.unpark();
        this.#edge.lookAstray();
        return;
      } catch (error) {
        if (isNotFound(error)) return this.end("expired");
        this.#log.debug({ err: error }, "session not read, trying again");
        await new Promise((resolve) => setTimeout(resolve, rereadMs).unref());
      }
    }
  }

  #newestSeen(): { epoch: number; rev: number } {
    const early = this.#earlyFrame;
    return early !== undefined && isNews(this.#heard, early) ? early : this.#heard;
  }

  /** Applies a command; viewers here learn of it at once and not only when it comes back through Redis. */
  async perform(command: Command | SystemCommand, requester?: Requester): Promise<CommandResult> {
    try {
      const result = await this.#context.sessions.perform(this.id, command, requester);
      this.noteConnections(result.connections);
      if (result.changed) this.#await(traceparent());
      this.adopt(result.record, causes[command.type] ?? "command");
      return result;
    } catch (error) {
      if (isNotFound(error)) this.end("expired");
      throw error;
    }
  }

  /** Until the first frame of what a traced command changed goes to a socket here. */
  #await(trace: string | undefined): void {
    if (trace !== undefined) this.#awaited = beginSpan("first frame", { "tapedeck.session": this.id }, trace);
  }

  /** A frame of this epoch has gone to a socket. */
  shown(epoch: number): void {
    if (this.#awaited === undefined || epoch !== this.#heard.epoch) return;
    this.#awaited.end();
    this.#awaited = undefined;
  }

  /** Starts the clock of a session that was parked for want of viewers, now that there is one. */
  unpark(): void {
    if (this.holds === 0) return;
    this.perform({ type: "unpark" }).catch((error) => this.#log.warn({ err: error }, "session not unparked"));
  }

  end(cause: "deleted" | "expired"): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#legs.close();
    this.#edge.close();
    this.#context.onGone(this, cause);
  }

  /** Says once more that the session wants its feed, where that was said so long ago. */
  wantFeed(everyMs: number): void {
    this.#edge.renew(everyMs);
  }

  /** Nobody here watches any more. */
  left(): void {
    this.#legs.close();
    this.#edge.close();
    if (this.#present?.record.mode === "LIVE") void this.#leaveFeed(this.#present.record);
  }

  /** Without a socket on any gateway the session needs no feed until one comes. */
  async #leaveFeed(record: SessionRecord): Promise<void> {
    try {
      // What this node has told of its own sockets went to Redis before this does.
      const read = await this.#context.store.read(this.id);
      if ((read?.connections ?? 0) === 0) await this.#context.edge.live.releaseFeed(feedUserOf(record), read?.now);
    } catch (error) {
      this.#log.debug({ err: error }, "feed not left: the wish for it runs out");
    }
  }

  #wakeViewers(): void {
    for (const viewer of this.viewers) viewer.wake();
  }

  #tellAll(note: Note): void {
    for (const viewer of this.viewers) viewer.tell(note);
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof RefusedError && error.code === "SESSION_NOT_FOUND";
}
