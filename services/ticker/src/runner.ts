import { setTimeout as sleep } from "node:timers/promises";
import { isGrowingTape } from "@tapedeck/live";
import { RefusedError } from "@tapedeck/protocol";
import { type Logger, type RedisClock, type Span, startSpan } from "@tapedeck/runtime";
import {
  canFollowEdge,
  type Keys,
  needsTicker,
  type PlaybackPlan,
  planPlayback,
  playheadAt,
  type SessionRecord,
  type SessionService,
  type SessionStore,
  type SystemCommand,
  timesAreTold,
  willGrow,
} from "@tapedeck/sessions";
import type { DamagedBlock, DamageReports, Tape, TapeCatalog } from "@tapedeck/tape";
import { PlaybackCursor, type PlaybackEvents } from "./cursor.js";
import { isLeaseEnd, type LeaseEnd, type SessionLease } from "./lease.js";
import type { TickerMetrics } from "./metrics.js";
import type { PublishScheduler } from "./scheduler.js";

interface SessionLeaseRunnerOptions {
  readonly node: string;
  readonly keys: Keys;
  readonly sessions: Pick<SessionService, "perform">;
  readonly store: Pick<SessionStore, "read">;
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly scheduler: PublishScheduler;
  readonly clock: RedisClock;
  /** Limits concurrent hand-overs; a session is rendered until its turn comes. */
  readonly limitHandOver: <T>(release: () => Promise<T>) => Promise<T>;
  readonly metrics: TickerMetrics;
  /** Damaged blocks that this ticker has logged. */
  readonly damage: DamageReports;
  readonly log: Logger;
}

const retryMs = 200;
/** Viewers stand while a session cannot be read. */
const rereadMs = 50;
const endRetryMs = 20;
const endings: ReadonlySet<string> = new Set(["end", "wrap", "reach"] satisfies SystemCommand["type"][]);
const releaseAttempts = 10;
const unreadableRetryMs = 5000;

/** Runs one lease: claims the session, keeps its cursor in step with its record, and releases it at the end. */
export class SessionLeaseRunner implements PlaybackEvents {
  readonly sessionId: string;
  /** Resolves when rendering has stopped and the session is released. */
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
  #releasing = false;
  #planning = false;
  /** The trace of a change that has no plan yet. */
  #span: Span | undefined;
  #rereading = false;
  #unreadable = "";
  #timer: NodeJS.Timeout | undefined;
  /** Stops waiting for the tape to grow. */
  #stopAwaitingGrowth: () => void = () => {};

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
    this.done = this.#run();
  }

  /** Takes a state of this session from any source; ignores it if a newer one is known. */
  onState(record: SessionRecord, trace?: string): void {
    if (this.#newest !== undefined && record.rev <= this.#newest.rev) return;
    this.#beginTrace(trace);
    this.#follow(record);
  }

  /** A change may have been missed: reads the session again. */
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
    if (canFollowEdge(record, tape.span.growing))
      void this.#perform({ type: "reach", node, seq: this.#cursor.publishedSeq });
    else if (willGrow(record, tape)) this.#awaitGrowth(tape);
    else void this.#perform(record.loop ? { type: "wrap", node } : { type: "end", node });
  }

  unwatched(): void {
    void this.#perform({ type: "park", node: this.#options.node });
  }

  behind(): void {
    void this.#skipShown();
  }

  unreadable(error: unknown): void {
    // Logged as an error once, and again only if the cause changes.
    const level = this.#unreadable === String(error) ? "debug" : "error";
    this.#unreadable = String(error);
    this.#log[level]({ err: error }, "the tape cannot be read; retrying, the session waits");
    this.#rereadLater(unreadableRetryMs);
  }

  damaged(error: DamagedBlock): void {
    const { metrics, damage } = this.#options;
    metrics.damagedBlock();
    if (damage.shouldReport(error))
      this.#log.error({ err: error }, "damaged block skipped: its frames are missing wherever it is played");
  }

  /** Redis's clock jumped by so many ms: playing goes on from the playhead by the old clock. */
  clockJumped(byMs: number): void {
    const { clock } = this.#options;
    void this.#failOver((record, tape) => playheadAt(record, clock.now() - byMs, tape));
  }

  async #run(): Promise<LeaseEnd> {
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
      this.#stopAwaitingGrowth();
      scheduler.remove(this.#cursor);
    }
  }

  /** The job is the right to claim: the previous ticker has lost the job, or is about to receive this claim. */
  async #claim(): Promise<void> {
    this.#beginTrace(this.#lease.job.trace);
    const record = await this.#performWithRetry({ type: "claim", node: this.#options.node });
    if (record === undefined) return;
    this.#claimed = true;
    const newest = this.#newest;
    this.#follow(newest !== undefined && newest.rev > record.rev ? newest : record);
  }

  /** Stops rendering, waits for pending replies, and releases the session with its published seq. */
  async #release(): Promise<void> {
    const { scheduler, node } = this.#options;
    this.#releasing = true;
    scheduler.suspend(this.#cursor);
    await scheduler.drained();
    if (!this.#claimed) return;
    const { epoch, publishedSeq } = this.#cursor;
    await this.#performWithRetry({ type: "release", node, epoch, publishedSeq });
  }

  /** More frames will come, or the tape will be finished: for a session slower than the market, or with a range that ends in the future. */
  #awaitGrowth(tape: Tape): void {
    const goOn = (): void => {
      if (this.#newest !== undefined) this.#follow(this.#newest); // which ends the wait
    };
    if (!isGrowingTape(tape) || tape.span.lastSeq > this.#cursor.publishedSeq) goOn();
    else this.#stopAwaitingGrowth = tape.onGrown(goOn);
  }

  /** Goes on after what gateways have shown while this process was frozen. If that is not up to date either, re-anchors, or goes on at the playhead. */
  async #skipShown(): Promise<void> {
    try {
      const found = await this.#options.store.read(this.sessionId);
      const shown = found !== undefined && found.record.publishedSeq > this.#cursor.publishedSeq;
      if (found === undefined) this.#end("gone");
      else if (shown || found.record.rev !== this.#newest?.rev) this.#follow(found.record);
      else if (timesAreTold(found.record)) await this.#perform({ type: "skip", node: this.#options.node });
      else await this.#failOver(() => 0);
    } catch (error) {
      this.#log.debug({ err: error }, "session not read; retrying");
      this.#rereadLater(retryMs);
    }
  }

  /** Re-anchors at an earlier playhead instead of following the clock in one leap. */
  async #failOver(playhead: (record: SessionRecord, tape: Tape) => number): Promise<void> {
    const record = this.#newest;
    const tape = this.#tape;
    if (record === undefined || tape === undefined) return; // not claimed yet; the claim handles the delay itself
    this.#options.scheduler.suspend(this.#cursor);
    // Frames that retention has removed are skipped.
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
    const record = await this.#performWithRetry(command);
    if (record === undefined) return;
    this.onState(record);
    // Nothing changed: Redis's clock may be slightly behind this ticker's.
    if (this.#newest === before) this.#rereadLater(endings.has(command.type) ? endRetryMs : retryMs);
  }

  /** Performs a command, retrying while Redis is away. Undefined if it was refused, or the lease ended first. */
  async #performWithRetry(command: SystemCommand): Promise<SessionRecord | undefined> {
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
          this.#log.info({ command: command.type, code: error.code }, "system command refused");
          this.#rereadLater(retryMs);
          return undefined;
        }
        if (attempt === 1) this.#log.warn({ err: error, command: command.type }, "system command failed; retrying");
        await sleep(retryMs);
        // Maintenance repairs a failed release: the claim expires after 7.5 s, and the session gets another ticker.
        if (this.#ended !== undefined && (command.type !== "release" || attempt === releaseAttempts)) return undefined;
      }
    }
  }

  /** Takes a record as the session's current one. Until its plan is known, nothing is rendered of the previous plan. */
  #follow(record: SessionRecord): void {
    this.#newest = record;
    this.#stopAwaitingGrowth();
    if (!this.#claimed || this.#releasing) return;
    this.#options.scheduler.suspend(this.#cursor);
    if (!this.#planning) void this.#applyNewest();
  }

  async #applyNewest(): Promise<void> {
    this.#planning = true;
    try {
      for (;;) {
        const record = this.#newest;
        if (record === undefined) return;
        const why = whyNothingToRender(record, this.#options.node);
        if (why !== undefined) {
          this.#end(why);
          return;
        }
        const plan = await this.#planFor(record);
        if (this.#releasing) return; // what it has published is being written
        if (record !== this.#newest) continue; // changed again meanwhile
        this.#options.scheduler.follow(this.#cursor, plan);
        if (this.#span !== undefined) this.#cursor.span = this.#span;
        this.#span = undefined;
        return;
      }
    } catch (error) {
      this.unreadable(error);
    } finally {
      this.#planning = false;
    }
  }

  async #planFor(record: SessionRecord): Promise<PlaybackPlan> {
    if (this.#tape?.id !== record.tape) this.#tape = await this.#options.tapes.open(record.tape);
    return planPlayback(record, this.#tape);
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
        // Redis has lost changes that this ticker, and viewers, have seen: a new epoch makes viewers follow the session.
        const record = await this.#performWithRetry({ type: "recover", epoch: newest.epoch, rev: newest.rev });
        if (record !== undefined) this.#follow(record);
      } else {
        this.#follow(found.record);
      }
    } catch (error) {
      this.#log.debug({ err: error }, "session not read; retrying");
      this.#rereadLater(rereadMs);
    } finally {
      this.#rereading = false;
    }
  }

  /** Begins a span that ends when the first frame after a traced command is published. */
  #beginTrace(from: string | undefined): void {
    if (from !== undefined) this.#span = startSpan("render", { "tapedeck.session": this.sessionId }, from);
  }

  /** Reads the session again after a while. */
  #rereadLater(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#ended === undefined) this.#timer = setTimeout(() => void this.#reread(), ms);
  }
}

/** Why this ticker has nothing to render of a session; undefined if it has. */
function whyNothingToRender(record: SessionRecord, node: string): LeaseEnd | undefined {
  if (record.parked) return "parked";
  if (!needsTicker(record)) return "at rest";
  return record.ticker === node ? undefined : "claimed elsewhere";
}
