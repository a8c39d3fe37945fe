import type { EventType, Severity } from "@tapedeck/protocol";
import type { FrameMoment } from "../frame/frame-analytics.js";

/** An anomaly that a detector found in a frame. */
export interface Alert {
  readonly type: EventType;
  readonly severity: Severity;
  /** One of a few fixed texts, since alerts of the same type and message are repetitions; numbers go into the fields. */
  readonly message: string;
  /** Additional fields in order. Numbers are finite and rounded. */
  readonly fields: Readonly<Record<string, number | string | readonly number[]>>;
}

export type RaiseAlert = (alert: Alert) => void;

const suppressNs = 5e9;
/** After this many suppressed repetitions the next alert gets a higher severity, ... */
const repeatsToEscalate = 3;
/** ... if it comes within this time of the last one. */
const escalateWithinNs = 10e9;
const severities: readonly Severity[] = ["low", "medium", "high", "critical"];

interface Raised {
  readonly ns: number;
  repeats: number;
}

/**
 * Passes an alert of one type and message at most once in 5 s of tape time. If three or more repetitions were suppressed and no
 * more than 10 s have passed since the last one, the next alert gets one severity more than its detector chose.
 */
export class AlertThrottle {
  /** The frame's anomalies: JSON objects joined by commas. */
  anomalies = "";
  events: { readonly type: string; readonly severity: Severity }[] = [];
  readonly #raised = new Map<string, Raised>();
  #moment: FrameMoment | undefined;

  /** Between two frames. */
  setTo(other: AlertThrottle): void {
    this.#raised.clear();
    for (const [key, raised] of other.#raised) this.#raised.set(key, { ...raised });
  }

  beginFrame(moment: FrameMoment): void {
    this.anomalies = "";
    this.events = [];
    this.#moment = moment;
  }

  readonly raise: RaiseAlert = (alert) => {
    const moment = this.#moment;
    if (moment === undefined) return;
    const key = `${alert.type} ${alert.message}`;
    const last = this.#raised.get(key);
    if (last !== undefined && moment.ns - last.ns < suppressNs) {
      last.repeats++;
      return;
    }
    const escalated = last !== undefined && last.repeats >= repeatsToEscalate && moment.ns - last.ns < escalateWithinNs;
    const severity = escalated ? escalate(alert.severity) : alert.severity;
    this.#raised.set(key, { ns: moment.ns, repeats: 0 });
    const { type, message, fields } = alert;
    this.anomalies += `${this.anomalies && ","}${JSON.stringify({ timestamp: moment.timestamp, type, severity, message, ...fields })}`;
    this.events.push({ type, severity });
  };
}

function escalate(severity: Severity): Severity {
  return severities[severities.indexOf(severity) + 1] ?? severity;
}
