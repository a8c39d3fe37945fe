import type { Metrics } from "@tapedeck/runtime";
import { Counter, Gauge } from "prom-client";
import type { Counters } from "./counters.js";

type Count = Exclude<keyof Counters, "closed">;

const help: Record<Count, string> = {
  messagesReceived: "Messages heard on session channels",
  framesForwarded: "Frames sent as they were heard, once per socket",
  framesRendered: "Frames sent that were rendered from the tape, once per socket",
  edgeFrames: "Frames of live markets, once per session at their edge",
  bytesSent: "Bytes of messages handed to sockets",
  holes: "Frames that did not follow on the last one; what lay between came from the tape",
  stale: "Frames dropped: rendered from an earlier revision of their session",
  repeats: "Frames dropped: heard before",
  rereads: "Times a session was read again because something was missed",
  damagedBlocks: "Damaged blocks that sockets came to and were led over",
  unreadable: "Messages that are not of the channel's format",
  lags: "Times frames were merged or left out for a slow socket",
  framesMerged: "Frames merged or left out for slow sockets",
  tradesLeftOut: "Trades left out for slow sockets",
  resumed: "Sockets that came back and got exactly what they missed",
  resumedIncomplete: "Sockets that came back with a token that was too old",
  commands: "Commands that came through sockets",
  refusals: "Messages and commands of clients that were refused",
  accepted: "Sockets opened",
};

/** Shows what the gateway counts. The numbers are read when they are asked for, so that counting costs nothing else. */
export function exposeCounters(
  { registry }: Metrics,
  counters: Counters,
  now: { sockets: () => number; sessions: () => number; cachedBytes: () => number },
): void {
  const registers = [registry];
  for (const [name, text] of Object.entries(help)) {
    new Counter({
      name: `tapedeck_gateway_${snake(name)}_total`,
      help: text,
      registers,
      collect() {
        this.reset();
        this.inc(isCount(name) ? counters[name] : 0);
      },
    });
  }
  new Counter({
    name: "tapedeck_gateway_sockets_closed_total",
    help: "Sockets that this node closed, by close code",
    labelNames: ["code"],
    registers,
    collect() {
      this.reset();
      for (const [code, count] of counters.closed) this.inc({ code: String(code) }, count);
    },
  });
  const gauges: [string, string, () => number][] = [
    ["tapedeck_gateway_sockets", "Open sockets", now.sockets],
    ["tapedeck_gateway_sessions_watched", "Sessions with at least one open socket here", now.sessions],
    ["tapedeck_gateway_cached_bytes", "Bytes of decompressed tape in memory", now.cachedBytes],
  ];
  for (const [name, text, value] of gauges) {
    new Gauge({
      name,
      help: text,
      registers,
      collect() {
        this.set(value());
      },
    });
  }
}

function isCount(name: string): name is Count {
  return name in help;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
