import type { EventType, Severity } from "@tapedeck/protocol";
import type { FrameMoment } from "../frame/frame-analytics.js";

/** What a detector has to say of a frame. */
export interface Alert {
  readonly type: EventType;
  readonly severity: Severity;
  /** One of few texts: an alert is a repetition where type and message are the same, so numbers go into the fields. */
  readonly message: string;
  /** What pages read of it, in order. Numbers are finite and tidy. */
  readonly fields: Readonly<Record<string, number | string | readonly number[]>>;
}

export type RaiseAlert = (alert: Alert) => void;

const quietNs = 5e9;
/** So many repetitions left out make the next alert one step graver, ... */
const repeatsToRaise = 3;
/** ... if it comes while it is still the same affair. */
const affairNs = 10e9;
const severities: readonly Severity[] = ["low", "medium", "high", "critical"];

interface Raised {
  readonly ns: number;
  repeats: number;
}

/**
 * Lets an alert of one type and message through once in 5 s of tape time. What is left out counts: the next one is a step graver
 * than its detector says where three or more were left out since the last one and no more than 10 s have passed.
 */
export class AlertThrottle {
  /** Of the frame: JSON objects joined by commas. */
  anomalies = "";
  events: { readonly type: string; readonly severity: Severity }[] = [];
  readonly #raised = new Map<string, Raised>();
  #moment: FrameMoment | undefined;

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
    if (last !== undefined && moment.ns - last.ns < quietNs) {
      last.repeats++;
      return;
    }
    const insistent = last !== undefined && last.repeats >= repeatsToRaise && moment.ns - last.ns < affairNs;
    const severity = insistent ? graver(alert.severity) : alert.severity;
    this.#raised.set(key, { ns: moment.ns, repeats: 0 });
    const { type, message, fields } = alert;
    this.anomalies += `${this.anomalies && ","}${JSON.stringify({ timestamp: moment.timestamp, type, severity, message, ...fields })}`;
    this.events.push({ type, severity });
  };
}

function graver(severity: Severity): Severity {
  return severities[severities.indexOf(severity) + 1] ?? severity;
}
