import { setTimeout as sleep } from "node:timers/promises";
import type { Lease, LeaseLoss } from "@tapedeck/leases";
import type { FeedJob, FeedQueue, FeedSummary, LiveMaintenance, LiveTapeWriter } from "@tapedeck/live";
import type { Precision } from "@tapedeck/market";
import type { FeedStatus } from "@tapedeck/protocol";
import { interval, type Logger, type RedisClock } from "@tapedeck/runtime";
import type { FeedMetrics } from "../metrics.js";
import type { Venue } from "../venues/venue.js";
import { type BookChange, FrameAssembler, type FrameAssemblerListener, type RecordedFrame } from "./frame-assembler.js";
import type { FrameClock } from "./frame-clock.js";
import { TapeClaim } from "./tape-claim.js";
import { VenueConnector } from "./venue-connector.js";

export interface RecorderOptions {
  readonly job: FeedJob;
  readonly venue: Venue;
  /** Claims the instrument's tape. */
  readonly claim: (precision: Precision) => Promise<LiveTapeWriter>;
  readonly maintenance: Pick<LiveMaintenance, "inspect" | "newestNs" | "dropLingering" | "isShort">;
  readonly queue: Pick<FeedQueue, "requestWorker">;
  readonly clock: Pick<RedisClock, "now">;
  readonly frames: FrameClock;
  readonly silenceMs: number;
  /** Called at each change of the feed's status. */
  readonly status: (status: FeedStatus) => void;
  readonly metrics: FeedMetrics;
  readonly log: Logger;
}

/** Why a recording ended. */
type RecordingEnd =
  | LeaseLoss
  /** The feed is not in demand: its tape is finished, or left to maintenance if it is too short to be kept. */
  | "unwanted"
  /** Another feed has claimed the instrument. */
  | "fenced"
  /** The tape has reached its greatest length: another one begins. */
  | "long enough";

const renewEveryMs = 1_000;
const demandCheckMs = 2_000;
const retryMs = 200;
/** A recorder continues this long without a lease: Redis may have been away for a moment, and a new lease follows. */
const orphanMs = 30_000;
/** An instrument that another feed still records is taken over when our book is complete, and at the latest after this. */
const takeoverMs = 5_000;
/** A market that moves has a frame within this time. */
const nextFrameMs = 300;
/** A feed that may continue a tape without a gap waits this long for a frame from after its book. */
const sharedFrameMs = 2_000;

/**
 * Records one instrument: venue connection, frame assembly, tape. It runs while it has a lease, and a little longer, so that a
 * short outage of Redis leaves no gap.
 */
export class Recorder implements FrameAssemblerListener {
  /** Resolves when nothing is written any more. */
  readonly ended: Promise<RecordingEnd>;
  readonly #options: RecorderOptions;
  readonly #log: Logger;
  readonly #assembler: FrameAssembler;
  readonly #connector: VenueConnector;
  readonly #tape: TapeClaim;
  readonly #ending = new AbortController();
  readonly #stops: (() => void)[] = [];
  #endedBy: RecordingEnd | undefined;
  #lease: Lease<FeedJob> | undefined;
  #handingOver = false;
  #orphanedAt = performance.now();
  #demandedUntil = 0;
  /** The last check found no session asking for the feed. A reloaded page is back by the next check. */
  #lingering = false;
  /** The feed was not in demand at the start: this recorder only finishes the tape of another one. */
  #finishOnly = false;

  constructor(options: RecorderOptions) {
    const { job, log, clock, venue, silenceMs, metrics, claim } = options;
    this.#options = options;
    this.#log = log.child({ feed: `${job.source}:${job.symbol}` });
    const now = (): bigint => BigInt(Math.round(clock.now() * 1000)) * 1000n;
    const shared = { ...job, now, metrics, log: this.#log };
    this.#assembler = new FrameAssembler({
      ...shared,
      decimals: venue.decimals,
      distinctTimes: venue.distinctTimes,
      listener: this,
    });
    const assembler = this.#assembler;
    this.#tape = new TapeClaim({
      ...{ claim, assembler, clock, metrics, log: this.#log },
      signal: this.#ending.signal,
      onEnd: (why) => this.#end(why),
    });
    const onStatus = (status: FeedStatus): void => {
      options.status(status);
      this.#tape.setStatus(status);
    };
    this.#connector = new VenueConnector({ ...shared, venue, assembler, silenceMs, onStatus });
    this.ended = this.#run();
  }

  /** Records under this lease. Resolves when the lease is lost or recalled, or the recording has ended. */
  async recordUnder(lease: Lease<FeedJob>): Promise<RecordingEnd> {
    this.#lease = lease;
    const lost = new Promise<LeaseLoss>((resolve) => {
      const onAbort = (): void => resolve(lossOf(lease.signal.reason));
      lease.signal.addEventListener("abort", onAbort, { once: true });
      if (lease.signal.aborted) onAbort();
    });
    const why = await Promise.race([lost, this.ended]);
    if (this.#lease === lease) {
      this.#lease = undefined;
      this.#orphanedAt = performance.now();
    }
    return why;
  }

  get hasLease(): boolean {
    return this.#lease !== undefined;
  }

  /**
   * Requests another worker and records until it has claimed the instrument. Resolves then, or at the deadline, after which
   * recording continues. With `alone` there is no other worker to wait for, and the tape is released first.
   */
  async handOver({ deadlineMs, alone }: { readonly deadlineMs: number; readonly alone: boolean }): Promise<void> {
    if (alone) await this.stop();
    this.#handingOver = !alone;
    try {
      await this.#requestWorker();
    } catch (error) {
      this.#log.warn({ err: error }, "no other worker requested: maintenance will request one");
    }
    if (!alone) await Promise.race([this.ended, sleep(deadlineMs, undefined, { ref: false })]);
    this.#handingOver = false;
  }

  /** A new job for this instrument is meant for another worker. */
  get handingOver(): boolean {
    return this.#handingOver;
  }

  /** Ends at once if the feed is only lingering. @returns whether it ends */
  async stopIfLingering(): Promise<boolean> {
    const summary = await this.#inspect();
    return summary?.lingering === true && (await this.#dropLingering());
  }

  /** Releases the tape, for any worker to continue. */
  async stop(): Promise<void> {
    this.#end("shutting down");
    await this.ended;
  }

  onFrame(frame: RecordedFrame): void {
    const { job, metrics } = this.#options;
    const afterGap = frame.parts.gapBefore !== null;
    metrics.frame(job.source, afterGap);
    if (afterGap) this.#connector.onGap();
    this.#tape.add(frame);
  }

  onBook(change: BookChange): void {
    this.#connector.onBook(change);
  }

  // --- the life of a recording ---

  #end(why: RecordingEnd): void {
    this.#endedBy ??= why;
    this.#ending.abort();
  }

  async #run(): Promise<RecordingEnd> {
    const { signal } = this.#ending;
    let connecting: Promise<void> | undefined;
    try {
      const summary = await this.#firstSummary();
      // Every session that asked for the feed has left: a connection would serve none of them.
      if (summary?.lingering && summary.state.tape === "") await this.#dropLingering();
      this.#finishOnly = summary?.demanded === false;
      if (summary?.demanded && !signal.aborted) connecting = this.#connector.run(signal);
      await this.#begin();
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      const why = this.#endedBy ?? "lost";
      await connecting;
      await this.#close(why);
      this.#log.info({ why, ...this.#assembler.counts }, "recording ended");
      return why;
    } catch (error) {
      this.#log.error({ err: error }, "recording failed");
      this.#end("lost");
      await connecting;
      return "lost";
    } finally {
      this.#stopTimers();
      this.#tape.close();
    }
  }

  async #firstSummary(): Promise<FeedSummary | undefined> {
    while (!this.#ending.signal.aborted) {
      const summary = await this.#inspect();
      if (summary !== undefined) return summary;
      await sleep(retryMs);
    }
    return undefined;
  }

  /** Claims the instrument: at once, or, if another feed still records it, when our own book is complete. */
  async #begin(): Promise<void> {
    const { frames } = this.#options;
    const { signal } = this.#ending;
    const startedAt = performance.now();
    while (!signal.aborted) {
      const summary = await this.#inspect();
      const free = summary !== undefined && (!summary.claimed || !summary.demanded);
      const ready = this.#assembler.bookComplete || performance.now() - startedAt > takeoverMs;
      if (summary !== undefined && (free || ready)) {
        if (!free) await this.#untilNextFrame(summary);
        break;
      }
      await sleep(summary === undefined ? retryMs : 50);
    }
    await this.#tape.claim("the feed was away");
    if (signal.aborted) return;
    this.#stops.push(
      frames.onInterval(() => {
        this.#assembler.closeFrame();
        this.#tape.addEvents();
      }),
      interval(() => void this.#tape.renew(), renewEveryMs),
      interval(() => void this.#checkDemand(), demandCheckMs),
    );
    await this.#checkDemand();
  }

  /**
   * Resolves just after the other feed has appended a frame, so that there is a whole interval to claim and read the tape before the next
   * frame is due. A quiet market has none. Where this feed may continue without a gap ([FD31]), it waits for a frame that is not older than its book:
   * the first ones may have been on their way for a while.
   */
  async #untilNextFrame({ lastSeq }: FeedSummary): Promise<void> {
    const { signal } = this.#ending;
    const startedAt = performance.now();
    let seen = lastSeq;
    while (!signal.aborted) {
      const { followedFromNs } = this.#assembler;
      if (performance.now() - startedAt > (followedFromNs === undefined ? nextFrameMs : sharedFrameMs)) return;
      await sleep(5);
      const summary = await this.#inspect();
      if (summary === undefined) return; // Redis is away
      if (summary.lastSeq === seen) continue;
      seen = summary.lastSeq;
      if (followedFromNs === undefined || (await this.#isOnTape(followedFromNs))) return;
    }
  }

  /** Whether the tape's newest frame is not older than a time. */
  async #isOnTape(ns: bigint): Promise<boolean> {
    const { job, maintenance } = this.#options;
    const newest = await maintenance.newestNs(job.source, job.symbol).catch(() => undefined); // Redis is away
    return newest !== undefined && newest >= ns;
  }

  async #close(why: RecordingEnd): Promise<void> {
    this.#stopTimers();
    this.#assembler.closeFrame();
    if (why === "fenced" || !this.#tape.claimed) return;
    await this.#tape.drained();
    this.#assembler.endTrack();
    this.#tape.addEvents();
    try {
      const unwanted = why === "unwanted" || why === "long enough";
      const kept = why === "long enough" || this.#finishOnly || !(await this.#isShort());
      await (unwanted && kept ? this.#tape.finish() : this.#tape.release());
      if (!unwanted) return;
      const summary = await this.#inspect();
      if (summary?.demanded) await this.#requestWorker(); // it is in demand again
    } catch (error) {
      this.#log.warn({ err: error, why }, "the tape was not released: maintenance will see to it");
    }
  }

  #stopTimers(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  // --- demand ---

  async #checkDemand(): Promise<void> {
    const summary = await this.#inspect();
    if (summary === undefined) return;
    const now = this.#options.clock.now();
    // Demand seen once counts, even if Redis has lost it: sessions renew it before that time.
    this.#demandedUntil = Math.max(this.#demandedUntil, summary.demandedUntil);
    if (now > this.#demandedUntil) return this.#end("unwanted");
    const lingeredBefore = this.#lingering;
    this.#lingering = summary.lingering;
    const useless = summary.lingering && lingeredBefore && (summary.state.tape === "" || (await this.#isShort()));
    if (useless && (await this.#dropLingering())) return;
    if (this.hasLease) return;
    const orphanedForMs = performance.now() - this.#orphanedAt;
    if (orphanedForMs > orphanMs) this.#end("lost");
    else if (orphanedForMs > demandCheckMs) await this.#requestWorker().catch(() => {}); // the next check retries
  }

  async #inspect(): Promise<FeedSummary | undefined> {
    try {
      return await this.#options.maintenance.inspect(this.#options.job.source, this.#options.job.symbol);
    } catch {
      return undefined; // Redis is away
    }
  }

  #isShort(): Promise<boolean> {
    const { job, maintenance } = this.#options;
    return maintenance.isShort(job.source, job.symbol).catch(() => false); // Redis is away
  }

  /** Ends, unless a session has asked for the feed meanwhile. */
  async #dropLingering(): Promise<boolean> {
    const { job, maintenance } = this.#options;
    const dropped = await maintenance.dropLingering(job.source, job.symbol).catch(() => false); // Redis is away
    if (dropped) this.#end("unwanted");
    return dropped;
  }

  async #requestWorker(): Promise<void> {
    const { job, queue, maintenance } = this.#options;
    const { state } = await maintenance.inspect(job.source, job.symbol);
    await queue.requestWorker(job, state.rev);
  }
}

function lossOf(reason: unknown): LeaseLoss {
  return reason === "shutting down" || reason === "handed back" ? reason : "lost";
}
