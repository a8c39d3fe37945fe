import type { FeedStatus } from "@tapedeck/protocol";
import type { Metrics } from "@tapedeck/runtime";
import { Counter, Histogram } from "prom-client";
import type { VenueErrorKind } from "./venues/venue.js";

/** The recorders' counters; cheap enough for each message of a venue. */
export interface FeedMetrics {
  /** An event, this many ms after the venue's own time for it; undefined if the venue sends none. */
  event(source: string, delayMs: number | undefined): void;
  unreadable(source: string): void;
  frame(source: string, afterGap: boolean): void;
  /** A frame is on the tape. `waitedMs`: how long its newest event had waited to be sent. */
  appended(appendMs: number, waitedMs: number): void;
  reconnect(source: string, why: VenueErrorKind): void;
  leaseEnded(why: string): void;
  /** Rates since the last call, for the heartbeat. */
  take(): { framesPerSecond: number; messagesPerSecond: number; appendP99Ms: number };
  readonly framesAppended: number;
}

/** In seconds: a venue may be next door, or half a minute late. */
const bounds = [0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30];

export function createFeedMetrics(metrics: Metrics, statuses: () => Iterable<FeedStatus>): FeedMetrics {
  const registers = [metrics.registry];
  const perSource = { labelNames: ["source"] as const, registers };
  const delay = new Histogram({
    name: "tapedeck_feed_exchange_to_ingest_seconds",
    help: "Time from the venue's own time of an event until the feed received it, by two clocks",
    buckets: bounds,
    ...perSource,
  });
  const waited = metrics.latencyHistogram({
    name: "tapedeck_feed_ingest_to_append_seconds",
    help: "Time from receiving a frame's newest event until the frame was sent to Redis",
    buckets: bounds,
  });
  const append = metrics.latencyHistogram({
    name: "tapedeck_feed_append_seconds",
    help: "Time until Redis acknowledged that a frame is on its tape",
    buckets: bounds,
  });
  const messages = new Counter({
    name: "tapedeck_feed_events_total",
    help: "Events received from venues",
    ...perSource,
  });
  const unreadable = new Counter({
    name: "tapedeck_feed_unreadable_messages_total",
    help: "Messages from venues that could not be parsed",
    ...perSource,
  });
  const frames = new Counter({ name: "tapedeck_feed_frames_total", help: "Frames recorded", ...perSource });
  const gaps = new Counter({ name: "tapedeck_feed_gaps_total", help: "Frames after a marked gap", ...perSource });
  const reconnects = new Counter({
    name: "tapedeck_feed_reconnects_total",
    help: "Ended connections to venues, by reason",
    labelNames: ["source", "why"],
    registers,
  });
  const ended = new Counter({
    name: "tapedeck_feed_leases_ended_total",
    help: "Leases ended, by reason",
    labelNames: ["why"],
    registers,
  });
  metrics.observeGauge({
    name: "tapedeck_feed_instruments",
    help: "Instruments recorded here, by the status of their feed",
    labels: ["status"],
    read: () => {
      const counts = { connecting: 0, up: 0, down: 0 };
      for (const { status } of statuses()) counts[status]++;
      return Object.entries(counts).map(([status, count]) => [{ status }, count] as const);
    },
  });

  let framesAppended = 0;
  let since = { at: performance.now(), frames: 0, messages: 0 };
  let events = 0;
  const recent: number[] = [];
  return {
    get framesAppended() {
      return framesAppended;
    },
    event(source, delayMs) {
      events++;
      messages.inc({ source });
      if (delayMs !== undefined) delay.observe({ source }, delayMs / 1000);
    },
    unreadable: (source) => unreadable.inc({ source }),
    frame(source, afterGap) {
      frames.inc({ source });
      if (afterGap) gaps.inc({ source });
    },
    appended(appendMs, waitedMs) {
      framesAppended++;
      append.observe(appendMs);
      waited.observe(waitedMs);
      if (recent.length < maxRecent) recent.push(appendMs);
    },
    reconnect: (source, why) => reconnects.inc({ source, why }),
    leaseEnded: (why) => ended.inc({ why }),
    take() {
      const now = performance.now();
      const seconds = Math.max(0.001, (now - since.at) / 1000);
      const sorted = recent.splice(0).sort((a, b) => a - b);
      const taken = {
        framesPerSecond: Math.round((framesAppended - since.frames) / seconds),
        messagesPerSecond: Math.round((events - since.messages) / seconds),
        appendP99Ms: Math.round((sorted[Math.floor(sorted.length * 0.99)] ?? 0) * 10) / 10,
      };
      since = { at: now, frames: framesAppended, messages: events };
      return taken;
    },
  };
}

/** Appends remembered between two heartbeats. */
const maxRecent = 10_000;
