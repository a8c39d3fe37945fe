import type { Session, SessionView } from "@tapedeck/client";

const everyMs = 5000;

/** What changes without anybody's command, and so without a word from the session: asked for now and then. */
export type PolledFields = Pick<SessionView, "connections" | "expires_at" | "behind_ms">;

/**
 * Tells every few seconds how many watch and how far the edge is, while the page is in sight. Returns the end of it.
 */
export function pollSession(
  ask: () => Promise<SessionView>,
  session: Session,
  tell: (passing: PolledFields) => void,
): () => void {
  const timer = setInterval(async () => {
    if (document.hidden || session.connection !== "open") return;
    // The cluster may be away for a moment; the next turn asks again.
    const view = await ask().catch(() => undefined);
    if (view) tell({ connections: view.connections, expires_at: view.expires_at, behind_ms: view.behind_ms });
  }, everyMs);
  return () => clearInterval(timer);
}
