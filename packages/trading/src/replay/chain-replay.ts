import { type AccountView, larger, MatchingEngine, type TapeState } from "@tapedeck/matching";
import type { Seq, Tape } from "@tapedeck/tape";
import { bookDigest } from "../checkpoint/book-digest.js";
import type { EventSource, EventWindows, ShownEvent } from "../events/event-windows.js";
import { firstFrameFrom, frameTime } from "../events/tape-clock.js";
import { Ledger, type LedgerState } from "../ledger/ledger.js";
import { type ChainSettings, engineSettings } from "../settings.js";
import { copyOf, foreseen, type Outcome, outcomeBy, wantedBy } from "./look-ahead.js";
import { bookOf, startOf } from "./replay-start.js";
import { type ChainAction, SentActions } from "./sent-actions.js";
import { ToldMessages, type Unheard } from "./told-messages.js";

/** A place on the tape between two frames, or at one: the last frame by then, and the time in nanoseconds since 1970. */
export interface ReplayPlace {
  readonly seq: Seq;
  readonly ns: bigint;
}

/** Where a replay is with a frame, besides its ledger, its settings and the tape. */
export interface ReplayState {
  readonly seq: Seq;
  /** Of the last event. */
  readonly seqOfEvent: Seq;
  /** How many actions of the chain the engine has got. */
  readonly sent: number;
  readonly arrivals: readonly bigint[];
  readonly unheard: readonly Unheard[];
  /** The engine's own, which it checks. */
  readonly engine: unknown;
  /** Of the tape's book, which is read from the tape again: see `bookDigest`. */
  readonly book: string;
  /** Orders of the tape, where it has them. */
  readonly queue: TapeState["queue"];
}

/** Events ahead that are looked at to see whether one of them concerns the account. */
const lookedAt = 1_000;

/**
 * The engine on a tape: orders, fills and account of a chain of actions as they are with a frame, or at a time between two. With frame `seq` everything
 * has happened that the frames up to it show, and every action has arrived that arrives before the frame's time. At a time everything has happened that
 * happens before it; at a frame's time that is the same. It only goes forward.
 */
export class ChainReplay {
  readonly ledger: Ledger;
  /** With this frame at least. */
  seq: Seq;
  /** When that frame is shown, in nanoseconds since 1970; below 0 before the first `advance`. */
  shownNs = -1n;
  /** Everything has happened that happens before; that frame's time or a later one. */
  reachedNs = -1n;
  /** Where it began in this process. */
  readonly began: { readonly seq: Seq; readonly sent: number };
  readonly settings: ChainSettings;
  readonly told = new ToldMessages();
  lastPrice: number | undefined;
  readonly #actions: SentActions;
  readonly #windows: EventWindows;
  readonly #engine: MatchingEngine;
  /** A growing tape is opened again and again. */
  #source: EventSource;
  #seqOfEvent: Seq;
  /** From which time on the last event has happened. */
  #happenedNs = -1n;
  /** How many events of the frame after `seq` have happened. */
  #within = 0;
  /** Events of the frame after `seq`, once they were needed. */
  #following: { readonly seq: Seq; readonly events: readonly ShownEvent[] } | undefined;

  private constructor(
    settings: ChainSettings,
    source: EventSource,
    windows: EventWindows,
    { seq, sent }: ChainReplay["began"],
    engine = new MatchingEngine(engineSettings(settings)),
  ) {
    this.settings = settings;
    this.#source = source;
    this.#windows = windows;
    this.#engine = engine;
    this.ledger = new Ledger(settings.decimals, this.#engine.account);
    this.began = { seq, sent };
    this.seq = this.#seqOfEvent = seq;
    this.#actions = new SentActions(this.#engine, this.ledger, sent);
  }

  /** The engine some time before a chain's first action, with the book as it was there. Rejects as reading the tape does. */
  static async begin(
    tape: Tape,
    settings: ChainSettings,
    firstNs: bigint | undefined,
    windows: EventWindows,
  ): Promise<ChainReplay> {
    const source = sourceOf(tape, settings);
    const { seq, book } = await startOf(source, firstNs);
    const replay = new ChainReplay(settings, source, windows, { seq, sent: 0 });
    if (book !== undefined) replay.#engine.event(book);
    return replay;
  }

  /**
   * Goes on where another replay of the chain was with a frame. Undefined if the tape, or the chain, is not the one that it was of. Rejects as reading the
   * tape does, and with a RangeError or what a schema says for a state that no replay has had.
   *
   * @param actions the whole chain, with further actions perhaps
   */
  static async restore(
    tape: Tape,
    settings: ChainSettings,
    actions: readonly ChainAction[],
    { state, ledger }: { readonly state: ReplayState; readonly ledger: LedgerState },
    windows: EventWindows,
  ): Promise<ChainReplay | undefined> {
    const source = sourceOf(tape, settings);
    const { bids, asks } = await bookOf(source, state.seq);
    const { queue, engine: saved } = state;
    const engine = MatchingEngine.restore(engineSettings(settings), saved, { bids, asks, ...(queue && { queue }) });
    if (bookDigest(engine.tapeState()) !== state.book) return undefined;
    const replay = new ChainReplay(settings, source, windows, state, engine);
    for (const action of actions.slice(0, state.sent)) replay.append(action);
    replay.shownNs = replay.reachedNs = await frameTime(tape, state.seq);
    for (const action of actions.slice(state.sent)) if (!replay.append(action)) return undefined;
    replay.ledger.restore(ledger);
    replay.lastPrice = engine.state().lastPrice;
    replay.#seqOfEvent = state.seqOfEvent;
    replay.#actions.restore(state.arrivals);
    replay.told.restore(state.unheard, state.seq);
    return replay;
  }

  /** Where it is. @throws RangeError between two frames */
  state(): ReplayState {
    if (this.isBetweenFrames) throw new RangeError(`a replay after frame ${this.seq} is not with a frame`);
    const { queue, ...book } = this.#engine.tapeState();
    return {
      seq: this.seq,
      seqOfEvent: this.#seqOfEvent,
      sent: this.sent,
      arrivals: [...this.#actions.arrivals],
      unheard: this.told.unheard,
      engine: this.#engine.state(),
      book: bookDigest(book),
      queue,
    };
  }

  /** How many actions the engine has got. */
  get sent(): number {
    return this.#actions.sent;
  }

  /** Those that are known so far. */
  get actions(): readonly ChainAction[] {
    return this.#actions.all;
  }

  get tape(): Tape {
    return this.#source.tape;
  }

  set tape(tape: Tape) {
    if (tape.id !== this.tape.id) this.#following = undefined;
    this.#source = { ...this.#source, tape };
  }

  /** Whether it has gone on from its frame towards the next one. */
  get isBetweenFrames(): boolean {
    return this.reachedNs > this.shownNs;
  }

  /** The last frame of which something has happened. */
  get reachedSeq(): Seq {
    return this.isBetweenFrames ? this.seq + 1 : this.seq;
  }

  /** When the owner knows what became of an action on its arrival; undefined if it has not arrived. */
  answeredNs(number: number): bigint | undefined {
    return this.#actions.answeredNs(number, this.reachedNs);
  }

  get account(): AccountView {
    return this.#engine.account;
  }

  /** Adds the next action of the chain. @returns false if it comes too late: it would have met something that has happened here */
  append(action: ChainAction): boolean {
    if (!this.#isInTime(action.sentNs)) return false;
    this.#actions.add(action);
    return true;
  }

  /** An action that is known late may still arrive in time. */
  #isInTime(sentNs: bigint): boolean {
    return sentNs >= this.reachedNs || this.#actions.arrivesInTime(sentNs, this.reachedNs);
  }

  /**
   * What becomes of an action that would be sent next, on a tape that does not grow, by looking ahead on a copy: this replay does not move. Undefined if
   * its place has passed. Rejects as reading the tape does.
   */
  async foresee(next: ChainAction): Promise<Outcome | undefined> {
    if (next.sentNs < (await frameTime(this.tape, Math.max(this.seq, this.tape.span.firstSeq)))) return undefined;
    if (!this.#isInTime(next.sentNs)) return undefined;
    return foreseen({ ...this.#ahead(wantedBy(next)), unsent: [...this.#actions.unsent, next] });
  }

  /**
   * What becomes of an action when it arrives, by looking ahead on a copy: this replay does not move. Undefined if it does not arrive by `untilNs`, or
   * if the tape does not reach that far yet. Rejects as reading the tape does.
   */
  async outcomeOf(number: number, untilNs: bigint): Promise<Outcome | undefined> {
    const { lastSeq, growing } = this.tape.span;
    const isWhole = !growing && (await firstFrameFrom(this.tape, untilNs + 1n)) < lastSeq;
    return outcomeBy(this.#ahead(), number, untilNs, isWhole);
  }

  #ahead(wanted = 0) {
    return {
      engine: copyOf(this.#engine, this.ledger.open, wanted),
      unsent: this.#actions.unsent,
      asAction: this.#actions.asAction,
      events: (untilNs: bigint) => this.#eventsUntil(untilNs),
    };
  }

  async *#eventsUntil(ns: bigint): AsyncGenerator<readonly ShownEvent[], void, undefined> {
    const { lastSeq, growing } = this.tape.span;
    yield* this.#eventsTo(growing ? lastSeq : await firstFrameFrom(this.tape, ns + 1n));
  }

  /** What has not happened of the frames up to one. */
  async *#eventsTo(last: Seq): AsyncGenerator<readonly ShownEvent[], void, undefined> {
    let happened = this.#within;
    for await (const events of this.#windows.read(this.#source, this.seq + 1, last)) {
      yield happened === 0 ? events : events.slice(happened);
      happened = Math.max(0, happened - events.length);
    }
  }

  /** Goes on to a frame, or to the tape's last one. Rejects as reading the tape does; then it must not be used any more. */
  async advance(to: Seq): Promise<void> {
    const last = Math.min(to, this.tape.span.lastSeq);
    if (last <= this.seq) return;
    for await (const events of this.#eventsTo(last)) for (const event of events) this.#happen(event);
    const shownNs = await frameTime(this.tape, last);
    this.#reach(shownNs);
    this.seq = last;
    this.shownNs = shownNs;
    this.#within = 0;
    await this.told.show(this.tape, shownNs);
  }

  /**
   * Goes on from its frame, which is the last one by then, to a time before the next one. Rejects as `advance` does. On a tape that grows it stays where
   * it is: events come some time after the frame that shows them, and what is read too early lacks some.
   */
  async advanceWithin({ seq, ns }: ReplayPlace): Promise<void> {
    if (seq !== this.seq || ns <= this.reachedNs || this.tape.span.growing) return;
    const events = await this.#nextFrame();
    for (let next = events[this.#within]; next !== undefined && next.fromNs <= ns; next = events[this.#within]) {
      this.#happen(next);
      this.#within++;
    }
    this.#reach(ns);
  }

  /** Of the frame after its own; none at the end of the tape. */
  async #nextFrame(): Promise<readonly ShownEvent[]> {
    const seq = this.seq + 1;
    if (seq > this.tape.span.lastSeq) return [];
    if (this.#following?.seq === seq) return this.#following.events;
    let events: readonly ShownEvent[] = [];
    for await (const read of this.#windows.read(this.#source, seq, seq)) events = read;
    this.#following = { seq, events };
    return events;
  }

  /**
   * The next time, after one that was looked at, at which the owner may learn of something, as far as is known by now: an answer is on its way, an
   * action arrives, an order ends by its time, or an event concerns the account. Where nothing is known to, it is a time until which nothing does.
   * Rejects as reading the tape does.
   */
  async nextNs(afterNs: bigint): Promise<bigint> {
    // On a tape that grows they come with the next frame: see `advanceWithin`.
    const { growing } = this.tape.span;
    const arrival = growing ? undefined : this.#actions.nextArrival;
    const timer = growing ? undefined : this.#actions.nextTimerNs;
    const told = this.told.nextAfter(larger(afterNs, this.reachedNs));
    const next = await this.#nextConcerning();
    return [arrival && arrival + 1n, timer && timer + 1n, told].reduce<bigint>(
      (least, ns = least) => (ns < least ? ns : least),
      next,
    );
  }

  /** Of a tape whose later frames may become others one frame is looked at, and of one that grows none: see `advanceWithin`. */
  async #nextConcerning(): Promise<bigint> {
    const { span, asOf } = this.tape;
    if (this.seq >= span.lastSeq) return (await frameTime(this.tape, span.lastSeq)) + 1n;
    if (span.growing) return frameTime(this.tape, this.seq + 1);
    const last = asOf === undefined ? Math.min(this.#windows.endOf(this.seq + 1), span.lastSeq) : this.seq + 1;
    let looked = 0;
    let at = this.reachedNs;
    for await (const events of this.#eventsTo(last)) {
      for (const { event, fromNs } of events) {
        at = larger(at, fromNs); // times may go back from event to event
        if (++looked > lookedAt || this.#engine.mayConcern(event)) return at;
      }
    }
    return frameTime(this.tape, last);
  }

  #happen({ seq, event, fromNs }: ShownEvent): void {
    this.#arrive(event.timestampNs, event.timestampNs - 1n);
    this.#engine.event(event);
    this.#seqOfEvent = seq;
    this.#happenedNs = larger(this.#happenedNs, fromNs);
    if (event.kind === "trade") this.lastPrice = event.priceUnits;
    this.#hear(undefined);
  }

  /** All events have happened that happen before. */
  #reach(ns: bigint): void {
    this.#arrive(ns - 1n, ns - 1n);
    this.reachedNs = ns;
  }

  /** Sends what was sent by the one time, and executes what arrives by the other. */
  #arrive(sentNs: bigint, arrivedNs: bigint): void {
    this.#actions.submit(sentNs);
    if (this.#actions.arrive(arrivedNs)) this.#hear("action");
  }

  #hear(cause: "action" | undefined): void {
    for (const output of this.#engine.take()) {
      const { atNs, heardNs } = output;
      const after = cause === "action" ? atNs : undefined;
      const happenedNs = after === undefined ? this.#happenedNs : after + 1n;
      const toldNs = larger(heardNs, happenedNs);
      if (after !== undefined) this.#actions.said(after, toldNs);
      for (const message of this.ledger.hear(output))
        this.told.add({ heardNs, message, from: this.#seqOfEvent, after, toldNs });
    }
  }
}

function sourceOf(tape: Tape, { settings, decimals }: ChainSettings): EventSource {
  return { tape, decimals, orders: settings.queue.model === "orders" };
}
