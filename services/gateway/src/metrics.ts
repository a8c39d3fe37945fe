import type { Metrics } from "@tapedeck/runtime";

/** What a gateway counts while it works. They are plain numbers, since some are raised once per frame. */
export interface Counters {
  messagesReceived: number;
  /** Frames whose published bytes went out unchanged, and those rendered from the tape. */
  framesForwarded: number;
  framesRendered: number;
  edgeFrames: number;
  bytesSent: number;
  coveredMessages: number;
  catchUps: number;
  staleFrames: number;
  duplicateFrames: number;
  rereads: number;
  damagedBlocks: number;
  unreadableMessages: number;
  lags: number;
  framesMerged: number;
  tradesLeftOut: number;
  resumesComplete: number;
  resumesIncomplete: number;
  refusals: number;
  socketsOpened: number;
  /** By close code; only those that the gateway closed. */
  readonly socketsClosed: Map<number, number>;
}

export function createCounters(): Counters {
  return {
    messagesReceived: 0,
    framesForwarded: 0,
    framesRendered: 0,
    edgeFrames: 0,
    bytesSent: 0,
    coveredMessages: 0,
    catchUps: 0,
    staleFrames: 0,
    duplicateFrames: 0,
    rereads: 0,
    damagedBlocks: 0,
    unreadableMessages: 0,
    lags: 0,
    framesMerged: 0,
    tradesLeftOut: 0,
    resumesComplete: 0,
    resumesIncomplete: 0,
    refusals: 0,
    socketsOpened: 0,
    socketsClosed: new Map(),
  };
}

/** Names and help of the metrics without labels. */
const plainCounters: Readonly<
  Record<
    Exclude<keyof Counters, "resumesComplete" | "resumesIncomplete" | "socketsClosed">,
    readonly [name: string, help: string]
  >
> = {
  messagesReceived: ["messages_received", "Messages received on session channels"],
  framesForwarded: ["frames_forwarded", "Frames sent as they were published, once per socket"],
  framesRendered: ["frames_rendered", "Frames sent that were rendered from the tape, once per socket"],
  edgeFrames: ["edge_frames", "Frames of live markets, once per session at the live edge"],
  bytesSent: ["sent_bytes", "Bytes of messages handed to sockets"],
  coveredMessages: ["covered", "Messages rendered here because the session's ticker was silent, once per session"],
  catchUps: ["holes", "Published frames that did not continue at the last one; those in between came from the tape"],
  staleFrames: ["stale_frames", "Frames dropped because they were rendered from an earlier revision of their session"],
  duplicateFrames: ["repeated_frames", "Frames dropped because they were received before"],
  rereads: ["rereads", "Times a session was read again because a change may have been missed"],
  damagedBlocks: ["damaged_blocks", "Damaged blocks that were skipped, once per socket"],
  unreadableMessages: ["unreadable_messages", "Messages on session channels that are not of the channel's format"],
  lags: ["lags", "Times frames were merged or left out for a slow socket"],
  framesMerged: ["skipped_frames", "Frames merged or left out for slow sockets"],
  tradesLeftOut: ["skipped_trades", "Trades left out for slow sockets"],
  refusals: ["refusals", "Messages and commands of clients that were refused"],
  socketsOpened: ["sockets_opened", "Sockets opened"],
};

/** Exposes the counters. They are read when metrics are requested, so that counting costs nothing else. */
export function exposeCounters(
  metrics: Metrics,
  counters: Counters,
  now: { sockets: () => number; sessions: () => number; slow: () => number },
): void {
  for (const field of Object.keys(plainCounters).filter(isPlain)) {
    const [name, help] = plainCounters[field];
    metrics.observeCounter({ name: `tapedeck_gateway_${name}_total`, help, read: () => counters[field] });
  }
  metrics.observeCounter({
    name: "tapedeck_gateway_resumes_total",
    help: "Sockets that resumed with a token, by whether they got exactly the frames that they had missed",
    labels: ["complete"],
    read: () => [
      [{ complete: "true" }, counters.resumesComplete],
      [{ complete: "false" }, counters.resumesIncomplete],
    ],
  });
  metrics.observeCounter({
    name: "tapedeck_gateway_sockets_closed_total",
    help: "Sockets that this node closed, by close code",
    labels: ["code"],
    read: () => [...counters.socketsClosed].map(([code, count]) => [{ code: String(code) }, count] as const),
  });
  const gauges: [string, string, () => number][] = [
    ["tapedeck_gateway_sockets", "Open sockets", now.sockets],
    ["tapedeck_gateway_slow_sockets", "Open sockets whose client reads too slowly", now.slow],
    ["tapedeck_gateway_sessions_watched", "Sessions with at least one open socket here", now.sessions],
  ];
  for (const [name, help, read] of gauges) metrics.observeGauge({ name, help, read });
}

function isPlain(field: string): field is keyof typeof plainCounters {
  return field in plainCounters;
}
