import type { FeedStatus } from "@tapedeck/protocol";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { TroubleKind } from "./venues/venue.js";

/** What recorders count; cheap enough for each message of a venue. */
export interface FeedMetrics {
  /** A message that means something, so many ms after the venue's own time of it. */
  heard(source: string, delayMs: number | undefined): void;
  nonsense(source: string): void;
  frame(source: string, afterGap: boolean): void;
  /** A frame is on the tape: so long appending took, and so long its newest event had waited for that. */
  appended(appendMs: number, waitedMs: number): void;
  reconnect(source: string, why: TroubleKind): void;
  leaseEnded(why: string): void;
  /** Frames and messages since the last call, per second, and delays in ms: for the heartbeat. */
  take(): { framesPerSecond: number; messagesPerSecond: number; appendP99Ms: number };
  readonly framesAppended: number;
}

const buckets = [0, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 30_000];

export function createFeedMetrics(registry: Registry, statuses: () => Iterable<FeedStatus>): FeedMetrics {
  const registers = [registry];
  const perSource = { labelNames: ["source"] as const, registers };
  const delay = new Histogram({
    name: "tapedeck_feed_exchange_to_ingest_ms",
    help: "milliseconds from the venue's own time of an event until it was heard, by two clocks",
    buckets,
    ...perSource,
  });
  const waited = new Histogram({
    name: "tapedeck_feed_ingest_to_append_ms",
    help: "milliseconds from hearing a frame's newest event until the frame was handed to Redis",
    buckets,
    registers,
  });
  const append = new Histogram({
    name: "tapedeck_feed_append_ms",
    help: "milliseconds until Redis had answered that a frame is on its tape",
    buckets,
    registers,
  });
  const messages = new Counter({ name: "tapedeck_feed_events_total", help: "events of venues", ...perSource });
  const unreadable = new Counter({
    name: "tapedeck_feed_nonsense_total",
    help: "messages of venues that could not be read",
    ...perSource,
  });
  const frames = new Counter({ name: "tapedeck_feed_frames_total", help: "frames made", ...perSource });
  const gaps = new Counter({ name: "tapedeck_feed_gaps_total", help: "frames behind a marked hole", ...perSource });
  const reconnects = new Counter({
    name: "tapedeck_feed_reconnects_total",
    help: "connections to venues that ended, by reason",
    labelNames: ["source", "why"],
    registers,
  });
  const ended = new Counter({
    name: "tapedeck_feed_leases_ended_total",
    help: "leases ended, by reason",
    labelNames: ["why"],
    registers,
  });
  new Gauge({
    name: "tapedeck_feed_feeds",
    help: "instruments recorded here, by how their feed is",
    labelNames: ["status"],
    registers,
    collect() {
      const counts = { connecting: 0, up: 0, down: 0 };
      for (const { status } of statuses()) counts[status]++;
      for (const [status, count] of Object.entries(counts)) this.set({ status }, count);
    },
  });

  let framesAppended = 0;
  let since = { at: performance.now(), frames: 0, messages: 0 };
  let heard = 0;
  const recent: number[] = [];
  return {
    get framesAppended() {
      return framesAppended;
    },
    heard(source, delayMs) {
      heard++;
      messages.inc({ source });
      if (delayMs !== undefined) delay.observe({ source }, delayMs);
    },
    nonsense: (source) => unreadable.inc({ source }),
    frame(source, afterGap) {
      frames.inc({ source });
      if (afterGap) gaps.inc({ source });
    },
    appended(appendMs, waitedMs) {
      framesAppended++;
      append.observe(appendMs);
      waited.observe(waitedMs);
      if (recent.length < mostRecent) recent.push(appendMs);
    },
    reconnect: (source, why) => reconnects.inc({ source, why }),
    leaseEnded: (why) => ended.inc({ why }),
    take() {
      const now = performance.now();
      const seconds = Math.max(0.001, (now - since.at) / 1000);
      const sorted = recent.splice(0).sort((a, b) => a - b);
      const taken = {
        framesPerSecond: Math.round((framesAppended - since.frames) / seconds),
        messagesPerSecond: Math.round((heard - since.messages) / seconds),
        appendP99Ms: Math.round((sorted[Math.floor(sorted.length * 0.99)] ?? 0) * 10) / 10,
      };
      since = { at: now, frames: framesAppended, messages: heard };
      return taken;
    },
  };
}

/** Appends remembered between two heartbeats. */
const mostRecent = 10_000;
