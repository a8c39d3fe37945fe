import { setTimeout as sleep } from "node:timers/promises";
import type { ClaimStatus, LiveTapeWriter } from "@tapedeck/live";
import type { Precision } from "@tapedeck/market";
import type { FeedStatus } from "@tapedeck/protocol";
import { type Logger, type RedisClock, throttledLog } from "@tapedeck/runtime";
import type { FeedMetrics } from "../metrics.js";
import { AppendQueue } from "./append-queue.js";
import type { FrameAssembler, RecordedFrame } from "./frame-assembler.js";

interface TapeClaimOptions {
  /** Claims the instrument's tape; every other writer is fenced from then on. */
  readonly claim: (precision: Precision) => Promise<LiveTapeWriter>;
  readonly assembler: FrameAssembler;
  readonly clock: Pick<RedisClock, "now">;
  /** Aborts when the recording ends: nothing is claimed or published afterwards. */
  readonly signal: AbortSignal;
  /** The recording has to end: another feed claimed the instrument, or the tape is long enough. */
  readonly onEnd: (why: "fenced" | "long enough") => void;
  readonly metrics: Pick<FeedMetrics, "appended">;
  readonly log: Logger;
}

const retryMs = 200;
/** When the recording ends, the last frames get this long to reach the tape. */
const drainMs = 2_000;
/** Tape time is exact for 104 days. */
const maxTapeNs = 60 * 86_400e9;

/** The recorder's claim on the instrument's tape: claims it anew when Redis has lost it, appends frames, publishes the status. */
export class TapeClaim {
  readonly #options: TapeClaimOptions;
  #writer: LiveTapeWriter | undefined;
  #queue: AppendQueue | undefined;
  #claiming = false;
  #status: FeedStatus = { status: "connecting" };
  #published: FeedStatus | undefined;
  #publishing = false;

  constructor(options: TapeClaimOptions) {
    this.#options = options;
  }

  /** Resolves when the tape is claimed or the recording has ended. `reason` is that of the gap before the next frame. */
  async claim(reason: string): Promise<void> {
    const { claim, assembler, signal, log } = this.#options;
    if (this.#claiming) return;
    this.#claiming = true;
    this.close();
    this.#queue = undefined;
    try {
      while (!signal.aborted) {
        try {
          this.#start(await claim(assembler.precision), reason);
          return;
        } catch (error) {
          log.debug({ err: error }, "tape not claimed, retrying");
          await sleep(retryMs);
        }
      }
    } finally {
      this.#claiming = false;
    }
  }

  add(frame: RecordedFrame): void {
    this.#queue?.add(frame);
  }

  /** Adds the events that no frame shows yet to the event track, unless frames are on their way. */
  addEvents(): void {
    if (this.#queue?.size === 0 && this.#writer?.idle) this.#writer.addEvents(this.#options.assembler.takeEvents());
  }

  /** Publishes the feed's status to all followers, now or as soon as the tape is claimed. */
  setStatus(status: FeedStatus): void {
    this.#status = status;
    void this.#publishStatus();
  }

  /** Renews the claim; finds out whether another feed has claimed the instrument. */
  async renew(): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) return;
    try {
      this.#check(writer, await writer.renew());
    } catch {
      // Redis is away, which its connection logs; the queue keeps the frames.
    }
  }

  get claimed(): boolean {
    return this.#writer !== undefined;
  }

  /** Resolves when the last frames are on the tape, or after two seconds. */
  async drained(): Promise<void> {
    await this.#queue?.drained(drainMs);
  }

  /** Ends the tape. To make an ordinary one of it may take long, and goes on without the recorder. */
  async finish(): Promise<void> {
    const finishing = await this.#writer?.end();
    void finishing?.();
  }

  /** Gives the claim back, for another feed to continue the tape. */
  async release(): Promise<void> {
    await this.#writer?.release();
  }

  /** Sends no more frames. */
  close(): void {
    this.#queue?.close();
  }

  #start(writer: LiveTapeWriter, reason: string): void {
    const { assembler, metrics, onEnd, log } = this.#options;
    this.#writer = writer;
    this.#published = undefined;
    const { continues } = writer;
    const report = throttledLog(log);
    this.#queue = new AppendQueue(writer, {
      appended: (frame, ms) => {
        metrics.appended(ms, this.#msSince(frame.receivedNs) - ms);
        if (frame.parts.ns > maxTapeNs) onEnd("long enough");
      },
      fenced: () => onEnd("fenced"),
      lost: (why) => {
        log.warn({ why }, "the tape cannot be continued, claiming anew");
        void this.claim(why);
      },
      refused: () => assembler.restartTrack("a frame was refused"),
      failed: (error) => report.warn({ err: error }, "frames are waiting for Redis"),
    });
    assembler.startTape(continues && { ...continues, reason });
    log.info({ tape: writer.tape, goesOn: continues?.lastSeq }, "tape claimed");
    void this.#publishStatus();
  }

  async #publishStatus(): Promise<void> {
    const { signal } = this.#options;
    if (this.#publishing) return;
    this.#publishing = true;
    try {
      while (this.#writer !== undefined && this.#published !== this.#status && !signal.aborted) {
        const [writer, status] = [this.#writer, this.#status];
        try {
          const claim = await writer.publishStatus(status);
          if (claim !== "held") return this.#check(writer, claim);
          if (writer === this.#writer) this.#published = status;
        } catch {
          await sleep(retryMs); // Redis is away
        }
      }
    } finally {
      this.#publishing = false;
    }
  }

  #check(writer: LiveTapeWriter, claim: ClaimStatus): void {
    if (claim === "held" || writer !== this.#writer) return;
    if (claim === "fenced") this.#options.onEnd("fenced");
    else void this.claim("Redis has lost the feed");
  }

  #msSince(ns: bigint): number {
    return this.#options.clock.now() - Number(ns / 1000n) / 1000;
  }
}
