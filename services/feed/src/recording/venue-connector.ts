import { setTimeout as sleep } from "node:timers/promises";
import type { FeedStatus } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import type { FeedMetrics } from "../metrics.js";
import { type Venue, VenueError } from "../venues/venue.js";
import { Backoff } from "./backoff.js";
import type { BookChange, FrameAssembler } from "./frame-assembler.js";

interface VenueConnectorOptions {
  readonly source: string;
  readonly symbol: string;
  readonly venue: Venue;
  readonly assembler: FrameAssembler;
  /** Nanoseconds since 1970 on the cluster's clock. */
  readonly now: () => bigint;
  /** A connection without events for this long is replaced. */
  readonly silenceMs: number;
  readonly onStatus: (status: FeedStatus) => void;
  readonly metrics: Pick<FeedMetrics, "reconnect">;
  readonly log: Logger;
}

/** The permitted silence doubles up to this while the venue turns out to be merely quiet. */
const maxSilenceMs = 600_000;

/** Keeps one instrument connected to its venue: reconnects with backoff until it is stopped. */
export class VenueConnector {
  readonly #options: VenueConnectorOptions;
  readonly #backoff = new Backoff();
  #silenceMs: number;
  #attempt = new AbortController();
  /** Why this attempt is given up. */
  #error: VenueError | undefined;
  /** When the book of this attempt became complete, on the monotonic clock. */
  #completeAt: number | undefined;

  constructor(options: VenueConnectorOptions) {
    this.#options = options;
    this.#silenceMs = options.silenceMs;
  }

  /** Resolves when the signal aborts. */
  async run(stop: AbortSignal): Promise<void> {
    const { source, assembler, metrics, log, onStatus } = this.#options;
    while (!stop.aborted) {
      const error = await this.#connect(stop);
      if (stop.aborted) return;
      const connectedMs = this.#completeAt === undefined ? 0 : performance.now() - this.#completeAt;
      assembler.bookLost(error.message, { silent: error.kind === "silent" });
      if (this.#completeAt === undefined) onStatus({ status: "down", reason: error.message });
      const waitMs = this.#backoff.after(error.kind, connectedMs);
      metrics.reconnect(source, error.kind);
      // One line about a venue that stays away is enough.
      const level = this.#backoff.failures > 1 ? "debug" : "info";
      log[level]({ kind: error.kind, reason: error.message, waitMs: Math.round(waitMs) }, "reconnecting to the venue");
      await sleep(waitMs, undefined, { signal: stop }).catch(() => {}); // stopped meanwhile
    }
  }

  onBook(change: BookChange): void {
    const { onStatus } = this.#options;
    switch (change.state) {
      case "complete":
        if (change.quiet) this.#silenceMs = Math.min(maxSilenceMs, this.#silenceMs * 2);
        this.#completeAt ??= performance.now();
        onStatus({ status: "up" });
        break;
      case "lost":
        onStatus({ status: "connecting", reason: change.reason });
        break;
      case "inconsistent":
        this.#error = new VenueError("out of step", change.reason);
        this.#attempt.abort();
        break;
    }
  }

  /** A gap was marked: the venue is not merely quiet, and the next silence is suspicious again. */
  onGap(): void {
    this.#silenceMs = this.#options.silenceMs;
  }

  /** Resolves with the reason when the connection has ended. */
  async #connect(stop: AbortSignal): Promise<VenueError> {
    const { source, symbol, venue, assembler, now } = this.#options;
    this.#attempt = new AbortController();
    this.#error = undefined;
    this.#completeAt = undefined;
    const signal = AbortSignal.any([stop, this.#attempt.signal]);
    try {
      await venue.stream({ symbol, market: assembler, now, silenceMs: this.#silenceMs, signal });
    } catch (error) {
      this.#error ??= asVenueError(error, source);
    }
    return this.#error ?? new VenueError("lost", `${source} ended the connection.`);
  }
}

function asVenueError(error: unknown, source: string): VenueError {
  if (error instanceof VenueError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new VenueError("out of step", `${source} cannot be followed: ${message}.`, { cause: error });
}
