import type { Session } from "@tapedeck/client";
import { type Anomaly, type Frame, isoTime, severity } from "@tapedeck/protocol";
import { z } from "zod";
import { frameRow, volumeOf } from "../frame-rows.js";
import { readSession, sessionId, shortSession } from "../session-calls.js";
import { type Tool, tool } from "../tool.js";

const severities = severity.options;
/** Of the newest anomalies and fills, each. */
const mostListed = 20;

export const watchTools: readonly Tool[] = [
  tool({
    name: "watch",
    title: "Let a session play for a while",
    description:
      "Waits while a session plays, and answers what passed: number of frames, prices, traded volume, anomalies, fills, and the session at the end. It ends after seconds of wall time (multiply by the speed for tape time), at until_ts, with the first anomaly of until_severity, or when the session stops playing. " +
      "Use it after play; to look closely at the end, pause then.",
    effect: "reads",
    input: z.strictObject({
      session_id: sessionId,
      seconds: z.number().min(0.1).max(45).default(10),
      until_ts: isoTime.optional().describe("a time on the tape"),
      until_severity: severity.optional().describe("an anomaly at least this severe"),
    }),
    async run({ session_id, ...until }, context, signal) {
      const session = await context.watched.watch(session_id);
      const passed = await watched(session, { ...until, signal });
      return { ...passed, session: shortSession(await readSession(context, session_id, signal)) };
    },
  }),
];

interface Until {
  readonly seconds: number;
  readonly until_ts?: string | undefined;
  readonly until_severity?: z.infer<typeof severity> | undefined;
  readonly signal: AbortSignal;
}

type EndedBy = "seconds" | "until_ts" | "until_severity" | "not playing" | "session ended" | "cancelled";

/** What a session's frames said until one of the conditions was met. */
async function watched(session: Session, until: Until) {
  const seen = new WatchSummary();
  const endedBy = await new Promise<EndedBy>((resolve) => {
    const timer = setTimeout(() => end("seconds"), until.seconds * 1000);
    const cancelled = () => end("cancelled");
    until.signal.addEventListener("abort", cancelled);
    const removals = [
      session.onFrame((frame) => {
        const reached = seen.add(frame, until);
        if (reached !== undefined) end(reached);
      }),
      session.onTrade((fill) => seen.addFill(fill)),
      session.onFill((fill) => seen.addFill(fill)),
      session.onState(({ session: { state } }) => {
        if (state !== "PLAYING") end("not playing");
      }),
      session.onEnd(() => end("session ended")),
    ];
    const end = (by: EndedBy) => {
      clearTimeout(timer);
      until.signal.removeEventListener("abort", cancelled);
      for (const remove of removals) remove();
      resolve(by);
    };
    if (session.ended) end("session ended");
    else if (session.view.state !== "PLAYING") end("not playing");
    else if (until.signal.aborted) cancelled();
  });
  return { ended_by: endedBy, ...seen.summary() };
}

/** Sums up frames; bounded, however many there are. */
class WatchSummary {
  #frames = 0;
  #fills = 0;
  #newestFills: object[] = [];
  #trades = 0;
  #volume = 0;
  #first: Frame | undefined;
  #last: Frame | undefined;
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;
  readonly #counts = new Map<string, number>();
  #anomalies: { seq: number; ts: string; type: string; severity: string; message: string }[] = [];

  /** Which condition this frame meets. */
  add(frame: Frame, { until_ts, until_severity }: Until): "until_ts" | "until_severity" | undefined {
    this.#frames += 1 + (frame.skipped ?? 0);
    this.#trades += frame.trades.length;
    this.#volume += volumeOf(frame.trades);
    this.#first ??= frame;
    this.#last = frame;
    this.#low = Math.min(this.#low, frame.mid_price);
    this.#high = Math.max(this.#high, frame.mid_price);
    for (const anomaly of frame.anomalies) this.#count(frame, anomaly);
    if (until_severity !== undefined && frame.anomalies.some((anomaly) => isAtLeast(anomaly, until_severity))) {
      return "until_severity";
    }
    return until_ts !== undefined && Date.parse(frame.timestamp) >= Date.parse(until_ts) ? "until_ts" : undefined;
  }

  addFill(fill: object): void {
    this.#fills++;
    this.#newestFills = [...this.#newestFills, fill].slice(-mostListed);
  }

  summary() {
    if (this.#first === undefined || this.#last === undefined) return { frames: 0 };
    return {
      ...{ frames: this.#frames, first: frameRow(this.#first), last: frameRow(this.#last) },
      mid: { from: this.#first.mid_price, to: this.#last.mid_price, low: this.#low, high: this.#high },
      ...{ trades: this.#trades, volume: Number(this.#volume.toPrecision(12)) },
      ...{ anomaly_counts: Object.fromEntries(this.#counts), newest_anomalies: this.#anomalies },
      ...{ fills: this.#fills, newest_fills: this.#newestFills },
    };
  }

  #count({ seq, timestamp }: Frame, { type, severity, message, timestamp: ts = timestamp }: Anomaly): void {
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
    this.#anomalies = [...this.#anomalies, { seq, ts, type, severity, message }].slice(-mostListed);
  }
}

function isAtLeast(anomaly: Anomaly, least: Anomaly["severity"]): boolean {
  return severities.indexOf(anomaly.severity) >= severities.indexOf(least);
}
