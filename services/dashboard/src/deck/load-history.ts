import type { Frame } from "@tapedeck/protocol";

/** The last frames up to the session's playhead, at most 100, oldest first. */
export async function loadHistory(api: string, sessionId: string, signal: AbortSignal): Promise<readonly Frame[]> {
  const query = new URLSearchParams({ session_id: sessionId });
  const answer = await fetch(`${api}/features?${query}`, { signal });
  return answer.ok ? await answer.json() : [];
}
