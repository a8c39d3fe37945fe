import type { History, ReceivedFrame, SessionEvent } from "../oracle/history.js";

/** Milliseconds of this process's monotonic clock. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

type Untimed<T> = T extends unknown ? Omit<T, "at"> : never;

/** The history of one session as it happens. */
export class Recorder {
  readonly session: string;
  readonly events: SessionEvent[] = [];
  /** Texts that several sockets or sessions received are kept once. */
  readonly #texts: Map<string, string>;

  constructor(session: string, texts: Map<string, string>) {
    this.session = session;
    this.#texts = texts;
  }

  record(event: Untimed<SessionEvent>, at = now()): void {
    this.events.push({ at, ...event });
  }

  frame(text: string): ReceivedFrame {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return { seq: numberAfter(text, '"seq":'), skipped: numberAfter(text, '"skipped":'), json: known ?? text };
  }

  get history(): History {
    return { session: this.session, gaps: "skip", events: this.events };
  }
}

/** 0 if the text has no such field. */
function numberAfter(text: string, field: string): number {
  const at = text.indexOf(field);
  return at < 0 ? 0 : Number.parseInt(text.slice(at + field.length, at + field.length + 12), 10);
}
