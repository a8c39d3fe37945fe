import type { Action, MatchingEngine, Output, TapeEvent } from "@tapedeck/matching";

/** Gives an engine the events, and each action when the tape reaches the time at which it is sent. What the engine says. */
export function played(engine: MatchingEngine, events: readonly TapeEvent[], actions: readonly Action[]): Output[] {
  const waiting = [...actions].reverse();
  let clock = BigInt(engine.state().timeNs);
  for (const event of events) {
    if (event.timestampNs > clock) clock = event.timestampNs;
    for (let next = waiting.at(-1); next !== undefined && next.sentNs <= clock; next = waiting.at(-1)) {
      engine.submit(next);
      waiting.pop();
    }
    engine.event(event);
  }
  return engine.take();
}
