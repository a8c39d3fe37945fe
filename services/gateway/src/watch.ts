import { type Command, limits, RefusedError, type StateCause } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import {
  type Deck,
  decodeState,
  type FrameHead,
  type Performed,
  parseHead,
  playheadAt,
  type SessionRecord,
  type SessionStore,
  type StateHead,
  type StoredSession,
  type SystemCommand,
} from "@tapedeck/sessions";
import type { Seq, Tape, TapeCatalog } from "@tapedeck/tape";
import type { Counters } from "./counters.js";
import { type Leg, legOf } from "./leg.js";
import { isNews, judge, passed, type Reception, takeIn } from "./reception.js";
import { feedText, type SessionTexts, tradeEventText } from "./session-texts.js";
import type { Note, Source, Viewer } from "./viewer.js";

/** What a watch needs of the process it lives in. */
export interface WatchContext {
  readonly deck: Pick<Deck, "perform">;
  readonly store: Pick<SessionStore, "read">;
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly texts: SessionTexts;
  readonly counters: Counters;
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
/** Causes that move a session from node to node and mean nothing to its users. */
const untold: ReadonlySet<StateCause> = new Set(["claimed"]);

/** A session that sockets of this node watch: what was heard of it, and the viewers that are to be kept up with that. */
export class Watch implements Source {
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
  #heard: Reception = { epoch: 0, rev: 0, last: -1 };
  #present: Present | undefined;
  #tape: { readonly name: string; readonly tape: Tape | undefined } | undefined;
  /** The newest of what came before the session was known, or from a revision that nobody had told of. */
  #earlyFrame: FrameHead | undefined;
  #earlyState: { readonly record: SessionRecord; readonly cause: StateCause } | undefined;
  #earlyEnd = false;
  #rereading: Promise<void> | undefined;
  #gone = false;

  constructor(id: string, channel: string, context: WatchContext) {
    this.id = id;
    this.channel = channel;
    this.#context = context;
    this.#log = context.log.child({ session: id });
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

  #known(): Present {
    if (this.#present === undefined) throw new Error(`session ${this.id} is not read yet`);
    return this.#present;
  }

  /** HOT: a message on the session's channel. */
  receive(message: Buffer): void {
    const { counters } = this.#context;
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
      const record = decodeState(message.toString("latin1", head.body));
      if (this.#present === undefined) this.#earlyState = { record, cause: head.cause };
      else this.adopt(record, head.cause);
    } catch (error) {
      this.#context.counters.unreadable++;
      this.#log.error({ err: error }, "state not readable, written by another release?");
    }
  }

  /** The session as it was read; whatever was heard meanwhile counts too. */
  begin({ record, connections }: StoredSession): void {
    this.noteConnections(connections);
    this.#present = { record, leg: this.#settle(undefined, record) };
    this.#heard = { epoch: record.epoch, rev: record.rev, last: standing(record) };
    const early = this.#earlyState;
    this.#earlyState = undefined;
    if (early !== undefined) this.adopt(early.record, early.cause);
    this.#takeEarlyFrame();
    if (this.#earlyEnd) void this.reread();
  }

  /** A change of the session, from wherever it was heard. What is no news changes nothing. */
  adopt(record: SessionRecord, cause: StateCause): void {
    const { record: before } = this.#known();
    const heard = this.#heard;
    if (!isNews(heard, record)) {
      if (record.epoch === heard.epoch && record.rev === heard.rev && standing(record) > heard.last) {
        this.#heard = { ...heard, last: standing(record) };
        this.#wakeViewers();
      }
      this.#takeEarlyFrame();
      return;
    }
    const leg = this.#settle(before, record);
    this.#present = { record, leg };
    this.#heard = takeIn(heard, { epoch: record.epoch, rev: record.rev, seq: standing(record) });
    const told = untold.has(cause) ? undefined : once(() => this.#context.texts.state(record, cause, this.connections));
    // An order goes on where the playhead was, so its viewers first see all up to there.
    const forked = record.rev === before.rev + 1 && record.epochFromSeq === record.anchorSeq + 1;
    const until = { epoch: heard.epoch, seq: forked ? Math.max(heard.last, record.anchorSeq) : heard.last };
    if (record.epoch !== heard.epoch) {
      // Word of a new epoch comes before its frames.
      this.#tellAll({ passing: true, until, leg, from: epochStart(record), ...(told && { text: told }) });
    } else {
      // A state within an epoch comes after the frames that lead up to it: none follows word of a pause.
      this.#tellAll({ passing: true, until, leg });
      if (told) this.#tellAll({ passing: true, until: { epoch: record.epoch, seq: this.#heard.last }, text: told });
    }
    const { feed, lastFill } = record;
    if (lastFill !== null && lastFill.id !== before.lastFill?.id)
      this.#tellAll({ text: () => tradeEventText(lastFill) });
    if (feed && (feed.status !== before.feed?.status || feed.reason !== before.feed.reason)) {
      this.#tellAll({ text: () => feedText(feed) });
    }
    this.#takeEarlyFrame();
    if (record.parked) this.unpark();
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

  #settle(before: SessionRecord | undefined, record: SessionRecord): Leg | Promise<Leg> {
    const opened = this.#tape;
    const steps = before !== undefined && mayHaveStepped(before, record);
    if (record.tape === "") return legOf(record, undefined);
    if (opened?.name === record.tape && !steps) return legOf(record, opened.tape);
    return this.#settleLate(steps ? before : undefined, record);
  }

  async #settleLate(before: SessionRecord | undefined, record: SessionRecord): Promise<Leg> {
    try {
      const tape = await this.#context.tapes.open(record.tape);
      this.#tape = { name: record.tape, tape };
      if (before === undefined) return legOf(record, tape);
      // Beyond where the playhead was when the step was made lie the frames that the step passed.
      const after = Math.max(before.anchorSeq, await tape.seqAt(playheadAt(before, record.anchorWallMs, tape)));
      return legOf(record, tape, { after, upTo: record.anchorSeq });
    } catch (error) {
      this.#log.error({ err: error, tape: record.tape }, "tape not readable: frames come only as they are published");
      return legOf(record, undefined);
    }
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
          this.adopt((await this.#context.deck.perform(this.id, { type: "recover", epoch, rev })).record, "recover");
        } else {
          this.adopt(read.record, "command");
        }
        if (this.#earlyFrame !== undefined) continue; // it came while we read, and is from a later revision still
        if (this.record.parked) this.unpark();
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
  async perform(command: Command | SystemCommand): Promise<Performed> {
    try {
      const result = await this.#context.deck.perform(this.id, command);
      this.noteConnections(result.connections);
      this.adopt(result.record, command.type === "unpark" ? "unparked" : "command");
      return result;
    } catch (error) {
      if (isNotFound(error)) this.end("expired");
      throw error;
    }
  }

  /** Starts the clock of a session that was parked for want of viewers, now that there is one. */
  unpark(): void {
    if (this.holds === 0) return;
    this.perform({ type: "unpark" }).catch((error) => this.#log.warn({ err: error }, "session not unparked"));
  }

  end(cause: "deleted" | "expired"): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#context.onGone(this, cause);
  }

  #wakeViewers(): void {
    for (const viewer of this.viewers) viewer.wake();
  }

  #tellAll(note: Note): void {
    for (const viewer of this.viewers) viewer.tell(note);
  }
}

/** Everything up to here was published, or is to be shown by whoever reads it. */
function standing(record: SessionRecord): Seq {
  return Math.max(record.anchorSeq, record.publishedSeq);
}

/** The frame after which a viewer from another epoch goes on. One that missed very much begins where the deck stands. */
function epochStart(record: SessionRecord): Seq {
  const from = record.epochFromSeq - 1;
  return standing(record) - from > limits.resumeFrames ? standing(record) - 1 : from;
}

/** Only a step shows frames ahead of a playhead that stands still afterwards. */
function mayHaveStepped(before: SessionRecord, after: SessionRecord): boolean {
  return (
    after.state === "PAUSED" &&
    after.epoch === before.epoch &&
    after.tape === before.tape &&
    after.anchorSeq > before.anchorSeq
  );
}

function newer(known: FrameHead | undefined, head: FrameHead): FrameHead {
  if (known === undefined || isNews(known, head)) return head;
  return isNews(head, known) || known.seq >= head.seq ? known : head;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof RefusedError && error.code === "SESSION_NOT_FOUND";
}

/** All viewers are told the same words. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
