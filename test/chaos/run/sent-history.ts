// How a history goes to the process that checks it: hundreds of sessions received the same frames, whose texts are sent once.
import type { History, ReceivedFrame, SessionEvent } from "../oracle/history.js";

type SentFrame = Omit<ReceivedFrame, "json"> & { readonly text: number };
type FrameEvent = Extract<SessionEvent, { kind: "frame" }>;
type HistoryEvent = Extract<SessionEvent, { kind: "history" }>;
type SentEvent =
  | Exclude<SessionEvent, { kind: "frame" | "history" }>
  | (Omit<FrameEvent, "frame"> & { readonly frame: SentFrame })
  | (Omit<HistoryEvent, "frames"> & { readonly frames: readonly SentFrame[] });

export interface SentHistory extends Omit<History, "events"> {
  readonly events: readonly SentEvent[];
  /** Texts that were not sent before, numbered from `firstText` on. */
  readonly texts: readonly string[];
  /** 0: all earlier ones are forgotten. */
  readonly firstText: number;
}

/** Simulated markets have texts of their own, which nobody sends twice. */
const mostTexts = 20_000;

export class HistorySender {
  readonly #numbers = new Map<string, number>();

  pack({ session, gaps, events }: History): SentHistory {
    if (this.#numbers.size > mostTexts) this.#numbers.clear();
    const firstText = this.#numbers.size;
    const texts: string[] = [];
    const sent = ({ seq, skipped, json }: ReceivedFrame): SentFrame => {
      let text = this.#numbers.get(json);
      if (text === undefined) {
        text = firstText + texts.length;
        this.#numbers.set(json, text);
        texts.push(json);
      }
      return { seq, skipped, text };
    };
    const packed = events.map((event): SentEvent => {
      if (event.kind === "frame") return { ...event, frame: sent(event.frame) };
      return event.kind === "history" ? { ...event, frames: event.frames.map(sent) } : event;
    });
    return { session, gaps, events: packed, texts, firstText };
  }
}

export class HistoryReceiver {
  readonly #texts: string[] = [];

  unpack({ session, gaps, events, texts, firstText }: SentHistory): History {
    this.#texts.length = firstText;
    this.#texts.push(...texts);
    const received = ({ seq, skipped, text }: SentFrame): ReceivedFrame => {
      const json = this.#texts[text];
      if (json === undefined) throw new Error(`the text ${text} of frame ${seq} was never sent`);
      return { seq, skipped, json };
    };
    const unpacked = events.map((event): SessionEvent => {
      if (event.kind === "frame") return { ...event, frame: received(event.frame) };
      return event.kind === "history" ? { ...event, frames: event.frames.map(received) } : event;
    });
    return { session, gaps, events: unpacked };
  }
}
