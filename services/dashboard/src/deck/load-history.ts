import type { Frame } from "@tapedeck/protocol";

/** Where the cluster is, and who asks. */
export interface Address {
  readonly api: string;
  readonly token: string | undefined;
}

/** The last frames up to the session's playhead, at most 100, oldest first. */
export async function loadHistory(
  { api, token }: Address,
  sessionId: string,
  signal: AbortSignal,
): Promise<readonly Frame[]> {
  const query = new URLSearchParams({ session_id: sessionId });
  const headers: HeadersInit = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(`${api}/features?${query}`, { signal, headers });
  return answer.ok ? await answer.json() : [];
}
