import { setTimeout as sleep } from "node:timers/promises";
import { isGrowingTape } from "@tapedeck/live";
import { RefusedError } from "@tapedeck/protocol";
import { type Logger, type RedisClock, type Span, startSpan } from "@tapedeck/runtime";
import {
  endNsOf,
  type Keys,
  needsTicker,
  playheadAt,
  type SessionRecord,
  type SessionService,
  type SessionStore,
  type SystemCommand,
} from "@tapedeck/sessions";
import type { DamagedBlock, DamageReports, Tape, TapeCatalog } from "@tapedeck/tape";
import { PlaybackCursor, type PlaybackEvents, type PlaybackPlan } from "./cursor.js";
import { isLeaseEnd, type LeaseEnd, type SessionLease } from "./lease.js";
import type { TickerMetrics } from "./metrics.js";
import type { PublishScheduler } from "./scheduler.js";

export interface SessionLeaseRunnerOptions {
  readonly node: string;
  readonly keys: Keys;
  readonly sessions: Pick<SessionService, "perform">;
  readonly store: Pick<SessionStore, "read">;
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly scheduler: PublishScheduler;
  readonly clock: RedisClock;
  /** Lets so many hand-overs go on at once; a session is rendered until its turn comes. */
  readonly limitHandOver: <T>(release: () => Promise<T>) => Promise<T>;
  readonly metrics: TickerMetrics;
  /** What this ticker has told of damaged blocks. */
  readonly damage: DamageReports;
  readonly log: Logger;
}

const retryMs = 200;
const endRetryMs = 20;
const endings: ReadonlySet<string> = new Set(["end", "wrap", "reach"] satisfies SystemCommand["type"][]);
const releaseAttempts = 10;
const unreadableRetryMs = 5000;

/** One lease's life: claims the session, keeps its rendering in step with its record, and lets go of it in the end. */
export class SessionLeaseRunner implements PlaybackEvents {
  readonly sessionId: string;
  /** Resolves when nothing is rendered any more and the session has been let go. */
  readonly done: Promise<LeaseEnd>;

  readonly #options: SessionLeaseRunnerOptions;
  readonly #lease: SessionLease;
  readonly #cursor: PlaybackCursor;
  readonly #log: Logger;
  readonly #ending: Promise<LeaseEnd>;
  #end: (why: LeaseEnd) => void = () => {};
  #ended: LeaseEnd | undefined;
  #tape: Tape | undefined;
  #newest: SessionRecord | undefined;
  #claimed = false;
  #lettingGo = false;
  #adopting = false;
  /** Of a change whose course is not known yet. */
  #span: Span | undefined;
  #rereading = false;
  #unreadable = "";
  #timer: NodeJS.Timeout | undefined;
  /** Stops waiting for the tape to grow. */
  #forgetTape: () => void = () => {};

  constructor(lease: SessionLease, options: SessionLeaseRunnerOptions) {
    const { keys, log } = options;
    this.#options = options;
    this.#lease = lease;
    const { sessionId } = lease.job;
    this.sessionId = sessionId;
    this.#log = log.child({ session: sessionId });
    this.#cursor = new PlaybackCursor(
      lease,
      { key: keys.session(sessionId), channel: keys.sessionChannel(sessionId) },
      this,
    );
    this.#ending = new Promise((resolve) => {
      this.#end = (why) => {
        this.#ended ??= why;
        resolve(why);
      };
    });
    this.done = this.#live();
  }

  /** A state of this session, from whichever way it came. Older ones than the newest known are ignored. */
  onState(record: SessionRecord, trace?: string): void {
    if (this.#newest !== undefined && record.rev <= this.#newest.rev) return;
    this.#trace(trace);
    this.#follow(record);
  }

  /** Something may have been missed: asks Redis. */
  changed(): void {
    void this.#reread();
  }

  gone(): void {
    this.#end("gone");
  }

  end(why: LeaseEnd): void {
    this.#end(why);
  }

  ended(): void {
    const record = this.#newest;
    const tape = this.#tape;
    if (record === undefined || tape === undefined) return;
    const { node } = this.#options;
    if (canFollowEdge(record, tape)) void this.#perform({ type: "reach", node, seq: this.#cursor.publishedSeq });
    else if (willGrow(record, tape)) this.#awaitGrowth(tape);
    else void this.#perform(record.loop ? { type: "wrap", node } : { type: "end", node });
  }

  unwatched(): void {
    void this.#perform({ type: "park", node: this.#options.node });
  }

  behind(): void {
    void this.#goOnFrom(() => 0);
  }

  unreadable(error: unknown): void {
    // Told once, and again when it is something else, however long it lasts.
    const level = this.#unreadable === String(error) ? "debug" : "error";
    this.#unreadable = String(error);
    this.#log[level]({ err: error }, "the tape cannot be read: the session waits for it");
    this.#again(unreadableRetryMs);
  }

  damaged(error: DamagedBlock): void {
    const { metrics, damage } = this.#options;
    metrics.damagedBlock();
    if (damage.shouldReport(error))
      this.#log.error({ err: error }, "a damaged block is left out, here and wherever it is played");
  }

  /** Redis's clock jumped by so many ms: playing goes on from where the old clock had the playhead. */
  clockJumped(byMs: number): void {
    const { clock } = this.#options;
    void this.#goOnFrom((record, tape) => playheadAt(record, clock.now() - byMs, tape));
  }

  async #live(): Promise<LeaseEnd> {
    const { scheduler, limitHandOver, metrics } = this.#options;
    const { signal } = this.#lease;
    const recalled = () => this.#end(isLeaseEnd(signal.reason) ? signal.reason : "lost");
    signal.addEventListener("abort", recalled, { once: true });
    if (signal.aborted) recalled();
    scheduler.add(this.#cursor);
    try {
      await this.#claim();
      const why = await this.#ending;
      if (why === "handed back" || why === "shutting down") await limitHandOver(() => this.#release());
      metrics.leaseEnded(why);
      this.#log.debug({ why, seq: this.#cursor.publishedSeq }, "lease ended");
      return why;
    } finally {
      signal.removeEventListener("abort", recalled);
      clearTimeout(this.#timer);
      this.#forgetTape();
      scheduler.remove(this.#cursor);
    }
  }

  /** The job is the right to claim: whoever held the session before has lost the job or is about to hear of this. */
  async #claim(): Promise<void> {
    this.#trace(this.#lease.job.trace);
    const record = await this.#insist({ type: "claim", node: this.#options.node });
    if (record === undefined) return;
    this.#claimed = true;
    const heard = this.#newest;
    this.#follow(heard !== undefined && heard.rev > record.rev ? heard : record);
  }

  /** Stops rendering, waits for what is under way, and writes how far it came while giving the session back. */
  async #release(): Promise<void> {
    const { scheduler, node } = this.#options;
    this.#lettingGo = true;
    scheduler.suspend(this.#cursor);
    await scheduler.drained();
    if (this.#claimed) await this.#insist({ type: "release", node, publishedSeq: this.#cursor.publishedSeq });
  }

  /** Slower than the market, or up to a time that is yet to come, there will be more to render, or the tape will be finished. */
  #awaitGrowth(tape: Tape): void {
    const goOn = (): void => {
      if (this.#newest !== undefined) this.#follow(this.#newest); // which waits no more
    };
    if (!isGrowingTape(tape) || tape.span.lastSeq > this.#cursor.publishedSeq) goOn();
    else this.#forgetTape = tape.onGrown(goOn);
  }

  /** Re-anchors at a place the playhead had when all was well, instead of following the clock in one leap. */
  async #goOnFrom(playhead: (record: SessionRecord, tape: Tape) => number): Promise<void> {
    const record = this.#newest;
    const tape = this.#tape;
    if (record === undefined || tape === undefined) return; // not claimed yet; the claim looks at the clock itself
    this.#options.scheduler.suspend(this.#cursor);
    // What retention has taken away is passed over.
    const seq = Math.max(this.#cursor.publishedSeq, record.publishedSeq, tape.span.firstSeq);
    try {
      const ns = Math.max(await tape.nsOf(seq), playhead(record, tape));
      await this.#perform({ type: "failover", node: this.#options.node, at: { seq, ns } });
    } catch (error) {
      this.unreadable(error);
    }
  }

  async #perform(command: SystemCommand): Promise<void> {
    const before = this.#newest;
    const record = await this.#insist(command);
    if (record === undefined) return;
    this.onState(record);
    // It changed nothing: Redis's clock may be a little behind this ticker's.
    if (this.#newest === before) this.#again(endings.has(command.type) ? endRetryMs : retryMs);
  }

  /** Performs a command, however long Redis is away. Undefined when it was refused, or the lease ended before. */
  async #insist(command: SystemCommand): Promise<SessionRecord | undefined> {
    const { sessions, metrics } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const { record, before, changed } = await sessions.perform(this.sessionId, command);
        if (changed) metrics.change(command.type);
        if (command.type === "claim" && before.ticker !== "" && before.ticker !== command.node) metrics.failover();
        return record;
      } catch (error) {
        if (error instanceof RefusedError && error.code === "SESSION_NOT_FOUND") {
          this.#end("gone");
          return undefined;
        }
        if (error instanceof RefusedError && error.status < 500) {
          this.#log.info({ command: command.type, code: error.code }, "a command of the ticker was refused");
          this.#again(retryMs);
          return undefined;
        }
        if (attempt === 1) this.#log.warn({ err: error, command: command.type }, "not performed, trying again");
        await sleep(retryMs);
        // A release that fails is made up for: the claim runs out after 3 s, and upkeep finds the session another ticker.
        if (this.#ended !== undefined && (command.type !== "release" || attempt === releaseAttempts)) return undefined;
      }
    }
  }

  /** Takes a record for what the session is now. Until its course is known nothing is rendered of the course before. */
  #follow(record: SessionRecord): void {
    this.#newest = record;
    this.#forgetTape();
    if (!this.#claimed || this.#lettingGo) return;
    this.#options.scheduler.suspend(this.#cursor);
    if (!this.#adopting) void this.#adopt();
  }

  async #adopt(): Promise<void> {
    this.#adopting = true;
    try {
      for (;;) {
        const record = this.#newest;
        if (record === undefined) return;
        const rest = whyNothingToRender(record, this.#options.node);
        if (rest !== undefined) {
          this.#end(rest);
          return;
        }
        const plan = await this.#courseOf(record);
        if (record !== this.#newest) continue; // changed again meanwhile
        this.#options.scheduler.follow(this.#cursor, plan);
        if (this.#span !== undefined) this.#cursor.span = this.#span;
        this.#span = undefined;
        return;
      }
    } catch (error) {
      this.unreadable(error);
    } finally {
      this.#adopting = false;
    }
  }

  async #courseOf(record: SessionRecord): Promise<PlaybackPlan> {
    if (this.#tape?.id !== record.tape) this.#tape = await this.#options.tapes.open(record.tape);
    const tape = this.#tape;
    const { anchorNs, speed, maxFps } = record;
    const pace = { timeline: tape.timeline(record.gaps), anchorNs, speed, maxFps };
    if (tape.span.growing && record.toNs === null) return { record, tape, pace, last: Infinity, endNs: Infinity };
    const { lastNs, lastSeq } = tape.span;
    const endNs = endNsOf(record, tape.span);
    return { record, tape, pace, last: endNs === lastNs ? lastSeq : await tape.seqAt(endNs), endNs };
  }

  async #reread(): Promise<void> {
    if (this.#rereading || this.#ended !== undefined) return;
    this.#rereading = true;
    try {
      const found = await this.#options.store.read(this.sessionId);
      const newest = this.#newest;
      if (found === undefined) {
        this.#end("gone");
      } else if (newest !== undefined && found.record.rev < newest.rev) {
        // Redis has lost what this ticker has seen of the session. Viewers have seen it too: a new epoch, for them to follow.
        const record = await this.#insist({ type: "recover", epoch: newest.epoch, rev: newest.rev });
        if (record !== undefined) this.#follow(record);
      } else {
        this.#follow(found.record);
      }
    } catch (error) {
      this.#log.debug({ err: error }, "session not read, trying again");
      this.#again(retryMs);
    } finally {
      this.#rereading = false;
    }
  }

  /** Until the first frame of what a traced command changed is published. */
  #trace(from: string | undefined): void {
    if (from !== undefined) this.#span = startSpan("render", { "tapedeck.session": this.sessionId }, from);
  }

  /** Looks at the session anew after a while. */
  #again(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#ended === undefined) this.#timer = setTimeout(() => void this.#reread(), ms);
  }
}

/** Whether a session that has shown all of its tape goes on at the edge, from which gateways follow the market by themselves. */
function canFollowEdge({ mode, toNs, loop, speed }: SessionRecord, { span }: Tape): boolean {
  return mode === "LIVE" && toNs === null && !loop && (speed >= 1 || !span.growing);
}

/** Whether the end of what is played will move by itself. */
function willGrow({ toNs }: SessionRecord, { span }: Tape): boolean {
  return span.growing && (toNs === null || toNs > span.lastNs);
}

/** Why this ticker has nothing to render of a session, if it hasn't. */
function whyNothingToRender(record: SessionRecord, node: string): LeaseEnd | undefined {
  if (record.parked) return "parked";
  if (!needsTicker(record)) return "at rest";
  return record.ticker === node ? undefined : "claimed elsewhere";
}
