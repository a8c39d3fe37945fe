import type { SessionView } from "@tapedeck/client";

/** Nearer than this to the newest frame counts as being there. */
const edgeMs = 1500;

/** Distance from the edge of a growing tape, so many ms after the session said it: what it has not said since goes by the clock. */
export function behindNow(
  { behind_ms, state, speed }: Pick<SessionView, "behind_ms" | "state" | "speed">,
  sinceMs: number,
): number | undefined {
  if (behind_ms === null) return undefined;
  if (behind_ms === 0 && state === "PLAYING") return 0;
  const moved = state === "PLAYING" ? sinceMs * speed : 0;
  return Math.max(0, behind_ms + sinceMs - moved);
}

export function isAtEdge(session: SessionView, behind: number | undefined): boolean {
  return session.mode === "LIVE" && session.state === "PLAYING" && behind !== undefined && behind < edgeMs;
}
