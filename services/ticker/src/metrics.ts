import { createHistogram } from "node:perf_hooks";
import type { Metrics } from "@tapedeck/runtime";
import { Counter } from "prom-client";

/** Counters of the scheduler and the pipeline. Calls cost almost nothing, since they are on the path of a frame. */
export interface PublishMetrics {
  /** HOT: a message was sent, so many ms after it was due, for so many frames. */
  message(latenessMs: number, frames: number): void;
  pipeline(ms: number, commands: number): void;
  failedPipeline(): void;
  /** A session waited for a block. */
  blockWait(ms: number): void;
}

interface Lateness {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly messagesPerSecond: number;
}

export interface TickerMetrics extends PublishMetrics {
  /** A session skipped a damaged block. */
  damagedBlock(): void;
  leaseEnded(why: string): void;
  /** This ticker changed a session by a system command. */
  change(type: string): void;
  /** A session was taken over from a ticker that had not released it. */
  failover(): void;
  /** Frames published since the start, each of a merged message counted. */
  readonly framesPublished: number;
  /** Lateness since the last call, in ms, and messages per second, for the heartbeat. */
  takeLateness(): Lateness;
}

interface TickerGauges {
  /** Sessions leased, and the limit. */
  readonly leases: () => number;
  readonly capacity: number;
}

export function createTickerMetrics(metrics: Metrics, { leases, capacity }: TickerGauges): TickerMetrics {
  const registers = [metrics.registry];
  // Counts per frame are plain numbers, which are read when Prometheus scrapes.
  let framesPublished = 0;
  let messages = 0;
  let pipelineCommands = 0;
  const count = (name: string, help: string, read: () => number) =>
    metrics.observeCounter({ name: `tapedeck_ticker_${name}_total`, help, read });
  count("frames_published", "Frames published, each of a merged message counted", () => framesPublished);
  count("messages_published", "Messages published", () => messages);
  count("conflated_frames", "Frames that went out merged into a newer one", () => framesPublished - messages);
  count("pipeline_commands", "Publishes and checkpoints sent to Redis", () => pipelineCommands);
  const lateness = metrics.latencyHistogram({
    name: "tapedeck_ticker_lateness_seconds",
    help: "Time from when a message was due until it was handed to Redis",
  });
  const pipelines = metrics.latencyHistogram({
    name: "tapedeck_ticker_pipeline_seconds",
    help: "Time until Redis had answered all commands of one wake-up",
  });
  const blockWaits = metrics.latencyHistogram({
    name: "tapedeck_ticker_block_wait_seconds",
    help: "Time that a session waited for a block that was not fetched ahead",
  });
  const failed = new Counter({
    name: "tapedeck_ticker_failed_pipelines_total",
    help: "Wake-ups after which the publisher had to be waited for",
    registers,
  });
  const damaged = new Counter({
    name: "tapedeck_ticker_damaged_blocks_total",
    help: "Damaged blocks that sessions came to and passed over",
    registers,
  });
  const ended = new Counter({
    name: "tapedeck_ticker_leases_ended_total",
    help: "Leases ended, by reason",
    labelNames: ["why"],
    registers,
  });
  const changes = new Counter({
    name: "tapedeck_ticker_changes_total",
    help: "Changes this ticker made to sessions (claims, ends, loops, parking), by kind",
    labelNames: ["type"],
    registers,
  });
  const failovers = new Counter({
    name: "tapedeck_ticker_failovers_total",
    help: "Sessions taken over from a ticker that had not released them",
    registers,
  });
  metrics.observeGauge({ name: "tapedeck_ticker_leases", help: "Sessions held", read: leases });
  metrics.observeGauge({
    name: "tapedeck_ticker_lease_capacity",
    help: "Sessions it takes at most",
    read: () => capacity,
  });

  // In microseconds. `record` costs 0.07 us.
  const recent = createHistogram();
  let takenAt = performance.now();
  return {
    get framesPublished() {
      return framesPublished;
    },
    message(latenessMs, frames) {
      messages++;
      framesPublished += frames;
      recent.record(Math.max(1, Math.round(latenessMs * 1000)));
      lateness.observe(latenessMs);
    },
    pipeline(ms, commands) {
      pipelines.observe(ms);
      pipelineCommands += commands;
    },
    failedPipeline: () => failed.inc(),
    blockWait: (ms) => blockWaits.observe(ms),
    damagedBlock: () => damaged.inc(),
    leaseEnded: (why) => ended.inc({ why }),
    change: (type) => changes.inc({ type }),
    failover: () => failovers.inc(),
    takeLateness() {
      const now = performance.now();
      const at = (percent: number) => recent.percentile(percent) / 1000;
      const messagesPerSecond = Math.round((recent.count * 1e4) / Math.max(1, now - takenAt)) / 10;
      const summary = { p50: at(50), p95: at(95), p99: at(99), messagesPerSecond };
      recent.reset();
      takenAt = now;
      return summary;
    },
  };
}
