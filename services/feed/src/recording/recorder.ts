import { setTimeout as sleep } from "node:timers/promises";
import type { Lease, LeaseLoss } from "@tapedeck/leases";
import type { ClaimStatus, FeedJob, FeedQueue, FeedSummary, LiveMaintenance, LiveTapeWriter } from "@tapedeck/live";
import type { Precision } from "@tapedeck/market";
import type { FeedStatus } from "@tapedeck/protocol";
import { interval, type Logger, type RedisClock, throttledLog } from "@tapedeck/runtime";
import type { FeedMetrics } from "../metrics.js";
import { type Venue, VenueError } from "../venues/venue.js";
import { AppendQueue } from "./append-queue.js";
import { Backoff } from "./backoff.js";
import { FrameAssembler, type FrameAssemblerEvents, type RecordedFrame } from "./frame-assembler.js";
import type { FrameClock } from "./frame-clock.js";

export interface RecorderOptions {
  readonly job: FeedJob;
  readonly venue: Venue;
  /** Takes the instrument's tape over from whoever had it. */
  readonly claim: (precision: Precision) => Promise<LiveTapeWriter>;
  readonly maintenance: Pick<LiveMaintenance, "inspect" | "dropLingering" | "isShort">;
  readonly queue: Pick<FeedQueue, "requestWorker">;
  readonly clock: Pick<RedisClock, "now">;
  readonly frames: FrameClock;
  readonly silenceMs: number;
  /** Told of each change of how the feed is. */
  readonly status: (status: FeedStatus) => void;
  readonly metrics: FeedMetrics;
  readonly log: Logger;
}

/** Why a recorder ends. */
export type RecordingEnd =
  | LeaseLoss
  /** Nobody wants it any more: its tape is finished, or left to upkeep if it is too short to be kept. */
  | "unwanted"
  /** Another feed has claimed the instrument. */
  | "fenced"
  /** A tape counts its time exactly for 104 days only: another one is begun. */
  | "long enough";

const renewEveryMs = 1_000;
const lookEveryMs = 2_000;
const retryMs = 200;
/** Without a lease a recorder goes on for so long: Redis may have been away for a moment, and gives it one again. */
const orphanMs = 30_000;
/** An instrument that another feed still records is taken over when our book is whole, but at the latest after this. */
const takeOverMs = 5_000;
/** Silence is doubled up to this where it turned out to be quiet. */
const longestSilenceMs = 600_000;
const longestTapeNs = 60 * 86_400e9;

/**
 * Records one instrument: keeps a connection to its venue, has frames made, and appends them to the tape that it has claimed.
 * It lives for as long as it is held by a lease, and a little longer, so that a Redis that was away for a moment costs no hole.
 */
export class Recorder {
  /** Resolves when nothing is written any more. */
  readonly over: Promise<RecordingEnd>;
  readonly #options: RecorderOptions;
  readonly #log: Logger;
  readonly #keeper: FrameAssembler;
  readonly #leaving = new AbortController();
  readonly #stops: (() => void)[] = [];
  readonly #backoff = new Backoff();
  #end: (why: RecordingEnd) => void = () => {};
  #ended: RecordingEnd | undefined;
  #writer: LiveTapeWriter | undefined;
  #outbox: AppendQueue | undefined;
  #claiming = false;
  #lease: Lease<FeedJob> | undefined;
  #handingOver = false;
  #orphanedAt = performance.now();
  #wantedUntil = 0;
  /** It was found left at the last look, too: a page that is loaded again is back by the second one. */
  #left = false;
  /** Nobody wanted it to begin with: it is there to finish what another feed has left behind. */
  #finishes = false;
  #status: FeedStatus = { status: "connecting" };
  #told: FeedStatus | undefined;
  #telling = false;
  #attempt = new AbortController();
  #trouble: VenueError | undefined;
  #wholeAt: number | undefined;
  #silenceMs: number;

  constructor(options: RecorderOptions) {
    const { job, log, clock, venue, silenceMs } = options;
    this.#options = options;
    this.#silenceMs = silenceMs;
    this.#log = log.child({ feed: `${job.source}:${job.symbol}` });
    this.#keeper = new FrameAssembler({
      ...job,
      decimals: venue.decimals,
      now: () => BigInt(Math.round(clock.now() * 1000)) * 1000n,
      events: this.#events(),
    });
    const ending = new Promise<RecordingEnd>((resolve) => {
      this.#end = (why) => {
        this.#ended ??= why;
        this.#leaving.abort();
        resolve(this.#ended);
      };
    });
    this.over = this.#live(ending);
  }

  /** Goes on under this lease. Resolves when it is of no more use: it was lost or recalled, or the recorder has ended. */
  async hold(lease: Lease<FeedJob>): Promise<RecordingEnd> {
    this.#lease = lease;
    const lost = new Promise<LeaseLoss>((resolve) => {
      const tell = (): void => resolve(lossOf(lease.signal.reason));
      lease.signal.addEventListener("abort", tell, { once: true });
      if (lease.signal.aborted) tell();
    });
    const why = await Promise.race([lost, this.over]);
    if (this.#lease === lease) {
      this.#lease = undefined;
      this.#orphanedAt = performance.now();
    }
    return why;
  }

  /** A lease holds it. */
  get hasLease(): boolean {
    return this.#lease !== undefined;
  }

  /**
   * Lets another feed take over: asks for one, and goes on recording until it has claimed the instrument. Resolves then, or at the
   * deadline, after which recording simply goes on. With `alone` there is no other feed to wait for, and the tape is given back.
   */
  async handOver({ deadlineMs, alone }: { readonly deadlineMs: number; readonly alone: boolean }): Promise<void> {
    if (alone) await this.stop();
    this.#handingOver = !alone;
    try {
      await this.#request();
    } catch (error) {
      this.#log.warn({ err: error }, "another feed could not be asked for: upkeep finds one");
    }
    if (!alone) await Promise.race([this.over, sleep(deadlineMs, undefined, { ref: false })]);
    this.#handingOver = false;
  }

  /** Ends at once where it goes on only because somebody may come back. @returns whether it does */
  async stopIfLingering(): Promise<boolean> {
    const standing = await this.#standing();
    return standing?.lingering === true && (await this.#drop());
  }

  /** Another feed is asked for: a job for it is not for this one. */
  get handingOver(): boolean {
    return this.#handingOver;
  }

  /** Gives the tape back, for any feed to go on with. */
  async stop(): Promise<void> {
    this.#end("shutting down");
    await this.over;
  }

  // --- its life ---

  async #live(ending: Promise<RecordingEnd>): Promise<RecordingEnd> {
    let connecting: Promise<void> | undefined;
    try {
      const standing = await this.#firstStanding();
      // Those who asked for it have gone on to something else: a connection would be for nobody.
      if (standing?.lingering && standing.state.tape === "") await this.#drop();
      this.#finishes = standing?.demanded === false;
      if (standing?.demanded && !this.#over) connecting = this.#connect();
      await this.#begin();
      const why = await ending;
      await connecting;
      await this.#close(why);
      this.#log.info({ why, ...this.#keeper.counts }, "recording ended");
      return why;
    } catch (error) {
      this.#log.error({ err: error }, "recording failed");
      this.#end("lost");
      await connecting;
      return "lost";
    } finally {
      this.#stop();
      this.#outbox?.close();
    }
  }

  async #firstStanding(): Promise<FeedSummary | undefined> {
    while (!this.#over) {
      const standing = await this.#standing();
      if (standing !== undefined) return standing;
      await sleep(retryMs);
    }
    return undefined;
  }

  /** Claims the instrument: at once, or from a feed that still records it when our own book is whole. */
  async #begin(): Promise<void> {
    const { frames } = this.#options;
    const startedAt = performance.now();
    while (!this.#over) {
      const standing = await this.#standing();
      const ours = standing === undefined || !standing.claimed || !standing.demanded;
      if (standing !== undefined && (ours || this.#keeper.bookReady || performance.now() - startedAt > takeOverMs))
        break;
      await sleep(standing === undefined ? retryMs : 50);
    }
    await this.#claim("the feed was away");
    if (this.#over) return;
    this.#stops.push(
      frames.onInterval(() => this.#keeper.closeFrame()),
      interval(() => void this.#renew(), renewEveryMs),
      interval(() => void this.#look(), lookEveryMs),
    );
    await this.#look();
  }

  async #close(why: RecordingEnd): Promise<void> {
    this.#stop();
    this.#keeper.closeFrame();
    if (this.#writer === undefined || why === "fenced") return;
    await this.#outbox?.drained(2_000);
    try {
      const unwanted = why === "unwanted" || why === "long enough";
      const kept = why === "long enough" || this.#finishes || !(await this.#isShort());
      await (unwanted && kept ? this.#writer.finish() : this.#writer.release());
      if (!unwanted) return;
      const standing = await this.#standing();
      if (standing?.demanded) await this.#request(); // again, meanwhile
    } catch (error) {
      this.#log.warn({ err: error, why }, "the tape could not be let go of in order: upkeep will see to it");
    }
  }

  #stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  get #over(): boolean {
    return this.#leaving.signal.aborted;
  }

  // --- the tape ---

  async #claim(reason: string): Promise<void> {
    if (this.#claiming) return;
    this.#claiming = true;
    this.#outbox?.close();
    this.#outbox = undefined;
    try {
      while (!this.#over) {
        try {
          this.#take(await this.#options.claim(this.#keeper.precision), reason);
          return;
        } catch (error) {
          this.#log.debug({ err: error }, "not claimed, trying again");
          await sleep(retryMs);
        }
      }
    } finally {
      this.#claiming = false;
    }
  }

  #take(writer: LiveTapeWriter, reason: string): void {
    const { metrics } = this.#options;
    this.#writer = writer;
    this.#told = undefined;
    const { continues } = writer;
    const report = throttledLog(this.#log);
    const outbox = new AppendQueue(writer, {
      appended: (frame, ms) => {
        metrics.appended(ms, this.#sinceMs(frame.receivedNs) - ms);
        if (frame.parts.ns > longestTapeNs) this.#end("long enough");
      },
      fenced: () => this.#end("fenced"),
      lost: (why) => {
        this.#log.warn({ why }, "the tape cannot go on as it is");
        void this.#claim(why);
      },
      failed: (error) => report.warn({ err: error }, "frames wait for Redis"),
    });
    this.#outbox = outbox;
    this.#keeper.startTape(continues && { ...continues, reason });
    this.#log.info({ tape: writer.tape, goesOn: continues?.lastSeq }, "claimed");
    void this.#tell();
  }

  /** Says that the writer lives; finds out that another one does. */
  async #renew(): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) return;
    try {
      this.#keepOrLose(writer, await writer.renew());
    } catch {
      // Redis is away, which its connection logs; the outbox keeps the frames.
    }
  }

  #keepOrLose(writer: LiveTapeWriter, hold: ClaimStatus): void {
    if (hold === "held" || writer !== this.#writer) return;
    if (hold === "fenced") this.#end("fenced");
    else void this.#claim("Redis has lost the feed");
  }

  async #look(): Promise<void> {
    const standing = await this.#standing();
    if (standing === undefined) return;
    const now = this.#options.clock.now();
    // What was said once holds, also when Redis has lost it: those who want it say so again before that time.
    this.#wantedUntil = Math.max(this.#wantedUntil, standing.demandedUntil);
    if (now > this.#wantedUntil) return this.#end("unwanted");
    const leftBefore = this.#left;
    this.#left = standing.lingering;
    const useless = standing.lingering && leftBefore && (standing.state.tape === "" || (await this.#isShort()));
    if (useless && (await this.#drop())) return;
    if (this.hasLease) return;
    const orphanedMs = performance.now() - this.#orphanedAt;
    if (orphanedMs > orphanMs) this.#end("lost");
    else if (orphanedMs > lookEveryMs) await this.#request().catch(() => {}); // tried again soon
  }

  async #standing(): Promise<FeedSummary | undefined> {
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

  /** Ends, unless somebody has wanted it since it was left. */
  async #drop(): Promise<boolean> {
    const { job, maintenance } = this.#options;
    const dropped = await maintenance.dropLingering(job.source, job.symbol).catch(() => false); // Redis is away
    if (dropped) this.#end("unwanted");
    return dropped;
  }

  async #request(): Promise<void> {
    const { job, queue, maintenance } = this.#options;
    const { state } = await maintenance.inspect(job.source, job.symbol);
    await queue.requestWorker(job, state.rev);
  }

  // --- how it is ---

  #say(status: FeedStatus): void {
    this.#status = status;
    this.#options.status(status);
    void this.#tell();
  }

  async #tell(): Promise<void> {
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (this.#writer !== undefined && this.#told !== this.#status && !this.#over) {
        const [writer, status] = [this.#writer, this.#status];
        try {
          const hold = await writer.publishStatus(status);
          if (hold !== "held") return this.#keepOrLose(writer, hold);
          if (writer === this.#writer) this.#told = status;
        } catch {
          await sleep(retryMs); // Redis is away
        }
      }
    } finally {
      this.#telling = false;
    }
  }

  // --- the venue ---

  async #connect(): Promise<void> {
    const { job, venue, clock, metrics } = this.#options;
    while (!this.#over) {
      this.#attempt = new AbortController();
      this.#trouble = undefined;
      this.#wholeAt = undefined;
      const signal = AbortSignal.any([this.#leaving.signal, this.#attempt.signal]);
      try {
        const now = (): bigint => BigInt(Math.round(clock.now() * 1000)) * 1000n;
        await venue.stream({ ...job, market: this.#keeper, now, silenceMs: this.#silenceMs, signal });
      } catch (error) {
        this.#trouble ??= asTrouble(error, job.source);
      }
      if (this.#over) return;
      const trouble = this.#trouble ?? new VenueError("lost", `${job.source} ended the connection.`);
      const goodForMs = this.#wholeAt === undefined ? 0 : performance.now() - this.#wholeAt;
      this.#keeper.bookLost(trouble.message, { silent: trouble.kind === "silent" });
      if (this.#wholeAt === undefined) this.#say({ status: "down", reason: trouble.message });
      const waitMs = this.#backoff.after(trouble.kind, goodForMs);
      metrics.reconnect(job.source, trouble.kind);
      // Of a venue that stays away one line is enough.
      const level = this.#backoff.failures > 1 ? "debug" : "info";
      this.#log[level]({ kind: trouble.kind, reason: trouble.message, waitMs: Math.round(waitMs) }, "connecting again");
      await sleep(waitMs, undefined, { signal: this.#leaving.signal }).catch(() => {}); // ended meanwhile
    }
  }

  #events(): FrameAssemblerEvents {
    const { job, metrics, silenceMs } = this.#options;
    const report = throttledLog(this.#log);
    return {
      frame: (frame: RecordedFrame) => {
        metrics.frame(job.source, frame.parts.gapBefore !== null);
        if (frame.parts.gapBefore !== null) this.#silenceMs = silenceMs;
        this.#outbox?.add(frame);
      },
      whole: () => {
        this.#wholeAt ??= performance.now();
        this.#say({ status: "up" });
      },
      broken: (reason) => this.#say({ status: "connecting", reason }),
      hopeless: (reason) => {
        this.#trouble = new VenueError("out of step", reason);
        this.#attempt.abort();
      },
      quiet: () => {
        this.#silenceMs = Math.min(longestSilenceMs, this.#silenceMs * 2);
      },
      heard: (delayMs) => metrics.event(job.source, delayMs),
      nonsense: (error, text) => {
        metrics.unreadable(job.source);
        report.warn({ err: { message: String(error) }, text: text.slice(0, 200) }, "a message that cannot be read");
      },
    };
  }

  #sinceMs(ns: bigint): number {
    return this.#options.clock.now() - Number(ns / 1000n) / 1000;
  }
}

function lossOf(reason: unknown): LeaseLoss {
  return reason === "shutting down" || reason === "handed back" ? reason : "lost";
}

function asTrouble(error: unknown, source: string): VenueError {
  if (error instanceof VenueError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new VenueError("out of step", `${source} cannot be followed: ${message}.`, { cause: error });
}
