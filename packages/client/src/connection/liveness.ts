import type { ServerMessage } from "@tapedeck/protocol";
import type { ConnectionTiming, Millis, SilenceLimits } from "./connection-machine.js";

/** How much of the longest gap between messages still counts one message later: half of it after 14 messages. */
const gapDecay = 0.95;

/**
 * Tells from the messages of a session's connections how long silence is normal. While frames are due, it is twice the longest recent
 * gap. They are due while the session plays, from the first frame after each change of it: a change may bring other gaps, and a node
 * may have to read the first frame from a slow store.
 */
export class Liveness {
  /** From ping to pong; undefined before the first pong. */
  latencyMs: Millis | undefined;
  #lastMessageAt: Millis = 0;
  /** When the last message came that was no pong. */
  #movedAt: Millis = 0;
  #longestGapMs: Millis = 0;
  #plays = false;
  #framesDue = false;

  /** HOT: once per message. Returns whether frames are due from now on, so that the limits are shorter. */
  receive(message: ServerMessage, now: Millis, pingedAt: Millis): boolean {
    const { type } = message;
    this.#lastMessageAt = now;
    // While pongs come without frames the gap grows, and the pings become rare.
    this.#longestGapMs = Math.max(this.#longestGapMs * gapDecay, now - this.#movedAt);
    if (type === "pong") {
      this.latencyMs = now - pingedAt;
      return false;
    }
    this.#movedAt = now;
    if (type === "snapshot" && this.#plays && !this.#framesDue) {
      this.#framesDue = true;
      return true;
    }
    if (type === "session" || type === "state") {
      const { state, parked, tape } = message.session;
      this.#plays = state === "PLAYING" && !parked && tape !== null;
      this.#framesDue = false;
      this.#longestGapMs = 0;
    }
    return false;
  }

  limits({ silenceMs, pingMs, answerMs }: ConnectionTiming): SilenceLimits {
    const half = silenceMs / 2;
    return {
      lastMessageAt: this.#lastMessageAt,
      pingAfterMs: this.#framesDue ? Math.min(half, Math.max(pingMs, 2 * this.#longestGapMs)) : half,
      // A slow network gets twice the time that its last answer took.
      answerMs: this.#framesDue ? Math.min(half, Math.max(answerMs, 2 * (this.latencyMs ?? half))) : half,
    };
  }
}
