import type { Metrics } from "@tapedeck/runtime";
import type { Counters } from "./counters.js";

/** Names and help of what is shown as it is counted; resumes and closes have labels of their own. */
const shown: Readonly<Partial<Record<keyof Counters, readonly [name: string, help: string]>>> = {
  messagesReceived: ["messages_received", "Messages heard on session channels"],
  framesForwarded: ["frames_forwarded", "Frames sent as they were heard, once per socket"],
  framesRendered: ["frames_rendered", "Frames sent that were rendered from the tape, once per socket"],
  edgeFrames: ["edge_frames", "Frames of live markets, once per session at their edge"],
  bytesSent: ["sent_bytes", "Bytes of messages handed to sockets"],
  holes: ["holes", "Frames that did not follow on the last one; what lay between came from the tape"],
  stale: ["stale_frames", "Frames dropped: rendered from an earlier revision of their session"],
  repeats: ["repeated_frames", "Frames dropped: heard before"],
  rereads: ["rereads", "Times a session was read again because something was missed"],
  damagedBlocks: ["damaged_blocks", "Damaged blocks that sockets came to and were led over"],
  unreadable: ["unreadable_messages", "Messages that are not of the channel's format"],
  lags: ["lags", "Times frames were merged or left out for a slow socket"],
  framesMerged: ["skipped_frames", "Frames merged or left out for slow sockets"],
  tradesLeftOut: ["skipped_trades", "Trades left out for slow sockets"],
  refusals: ["refusals", "Messages and commands of clients that were refused"],
  accepted: ["sockets_opened", "Sockets opened"],
};

/** Shows what the gateway counts. The numbers are read when they are asked for, so that counting costs nothing else. */
export function exposeCounters(
  metrics: Metrics,
  counters: Counters,
  now: { sockets: () => number; sessions: () => number; slow: () => number },
): void {
  for (const name of Object.keys(shown).filter(isShown)) {
    const [its = name, help = name] = shown[name] ?? [];
    metrics.showCounter({ name: `tapedeck_gateway_${its}_total`, help, read: () => numberOf(counters[name]) });
  }
  metrics.showCounter({
    name: "tapedeck_gateway_resumes_total",
    help: "Sockets that came back with a token, by whether they got exactly what they missed",
    labels: ["complete"],
    read: () => [
      [{ complete: "true" }, counters.resumed],
      [{ complete: "false" }, counters.resumedIncomplete],
    ],
  });
  metrics.showCounter({
    name: "tapedeck_gateway_sockets_closed_total",
    help: "Sockets that this node closed, by close code",
    labels: ["code"],
    read: () => [...counters.closed].map(([code, count]) => [{ code: String(code) }, count] as const),
  });
  const gauges: [string, string, () => number][] = [
    ["tapedeck_gateway_sockets", "Open sockets", now.sockets],
    ["tapedeck_gateway_slow_sockets", "Open sockets that something is kept back for", now.slow],
    ["tapedeck_gateway_sessions_watched", "Sessions with at least one open socket here", now.sessions],
  ];
  for (const [name, help, read] of gauges) metrics.showGauge({ name, help, read });
}

function isShown(name: string): name is keyof Counters {
  return name in shown;
}

function numberOf(value: Counters[keyof Counters]): number {
  return typeof value === "number" ? value : value.size;
}
