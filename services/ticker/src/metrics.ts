import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What the renderer counts, by calls that cost next to nothing where they stand on the path of a frame. */
export interface RendererMetrics {
  /** HOT: a message left, so many ms after it was due, standing for so many frames. */
  message(latenessMs: number, frames: number): void;
  pipeline(ms: number, commands: number): void;
  failedPipeline(): void;
  /** A session had to wait for a block. */
  blockWait(ms: number): void;
}

const buckets = [0.5, 1, 2, 3, 5, 8, 13, 21, 50, 100, 250, 1000, 5000];

export interface Lateness {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly messagesPerSecond: number;
}

export interface TickerMetrics extends RendererMetrics {
  /** A session came to a damaged block and passed it over. */
  damagedBlock(): void;
  leaseEnded(why: string): void;
  command(type: string): void;
  /** Frames published since the start, each of a merged message counted. */
  readonly framesPublished: number;
  /** Lateness since the last call, in ms, and messages a second: for the heartbeat. */
  takeLateness(): Lateness;
}

export function createTickerMetrics(registry: Registry, leases: () => number): TickerMetrics {
  const registers = [registry];
  const lateness = new Histogram({
    name: "tapedeck_ticker_lateness_ms",
    help: "milliseconds between the time a message was due and the time it was handed to Redis",
    buckets,
    registers,
  });
  const messages = new Counter({ name: "tapedeck_ticker_messages_total", help: "messages published", registers });
  const conflated = new Counter({
    name: "tapedeck_ticker_conflated_frames_total",
    help: "frames that went out merged into a newer one",
    registers,
  });
  const pipelines = new Histogram({
    name: "tapedeck_ticker_pipeline_ms",
    help: "milliseconds until Redis had answered all commands of one wake-up",
    buckets,
    registers,
  });
  const commands = new Counter({
    name: "tapedeck_ticker_pipeline_commands_total",
    help: "publishes and checkpoints sent",
    registers,
  });
  const failed = new Counter({
    name: "tapedeck_ticker_failed_pipelines_total",
    help: "wake-ups after which the publisher had to be waited for",
    registers,
  });
  const blockWaits = new Histogram({
    name: "tapedeck_ticker_block_wait_ms",
    help: "milliseconds that a session waited for a block that was not fetched ahead",
    buckets,
    registers,
  });
  const damaged = new Counter({
    name: "tapedeck_ticker_damaged_blocks_total",
    help: "damaged blocks that sessions came to and passed over",
    registers,
  });
  const ended = new Counter({
    name: "tapedeck_ticker_leases_ended_total",
    help: "leases ended, by reason",
    labelNames: ["why"],
    registers,
  });
  const performed = new Counter({
    name: "tapedeck_ticker_commands_total",
    help: "changes this ticker made to sessions (claims, ends, loops, parking), by kind",
    labelNames: ["type"],
    registers,
  });
  new Gauge({
    name: "tapedeck_ticker_leases",
    help: "sessions held",
    registers,
    collect() {
      this.set(leases());
    },
  });

  const recent = new RecentLateness();
  let framesPublished = 0;
  return {
    get framesPublished() {
      return framesPublished;
    },
    message(latenessMs, frames) {
      framesPublished += frames;
      recent.add(latenessMs);
      lateness.observe(latenessMs);
      messages.inc();
      if (frames > 1) conflated.inc(frames - 1);
    },
    pipeline(ms, count) {
      pipelines.observe(ms);
      commands.inc(count);
    },
    failedPipeline: () => failed.inc(),
    blockWait: (ms) => blockWaits.observe(ms),
    damagedBlock: () => damaged.inc(),
    leaseEnded: (why) => ended.inc({ why }),
    command: (type) => performed.inc({ type }),
    takeLateness: () => recent.take(),
  };
}

/** Lateness since it was last asked for, in steps of half a millisecond, up to 128 ms. */
class RecentLateness {
  readonly #counts = new Uint32Array(256);
  #since = performance.now();

  add(ms: number): void {
    const step = Math.min(255, Math.max(0, Math.floor(ms * 2)));
    this.#counts[step] = (this.#counts[step] ?? 0) + 1;
  }

  take(): Lateness {
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    const at = (share: number): number => {
      let below = 0;
      const step = this.#counts.findIndex((count) => {
        below += count;
        return below >= total * share;
      });
      return total === 0 ? 0 : (step + 1) / 2;
    };
    const now = performance.now();
    const messagesPerSecond = Math.round((total * 1e4) / Math.max(1, now - this.#since)) / 10;
    const taken = { p50: at(0.5), p95: at(0.95), p99: at(0.99), messagesPerSecond };
    this.#counts.fill(0);
    this.#since = now;
    return taken;
  }
}
