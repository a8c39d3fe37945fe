import type { SessionView } from "@tapedeck/client";

/** Distance from the edge of a growing tape, so many ms after the session said it: what it has not said since goes by the clock. */
export function behindNow(
  { behind_ms, state, speed }: Pick<SessionView, "behind_ms" | "state" | "speed">,
  sinceMs: number,
): number | undefined {
  if (behind_ms === null) return undefined;
  // At the edge a deck goes along with the market.
  if (behind_ms === 0 && state === "PLAYING" && speed >= 1) return 0;
  const moved = state === "PLAYING" ? sinceMs * speed : 0;
  return Math.max(0, behind_ms + sinceMs - moved);
}

export function isAtEdge({ mode, state, speed }: SessionView, behind: number | undefined): boolean {
  return mode === "LIVE" && state === "PLAYING" && speed >= 1 && behind === 0;
}
