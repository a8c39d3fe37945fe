import type { Frame } from "@tapedeck/protocol";
import { type ClusterAddress, fetchCluster } from "../cluster-api";

/** The last frames up to the session's playhead, at most 100, oldest first. */
export async function loadHistory(
  address: ClusterAddress,
  sessionId: string,
  signal: AbortSignal,
): Promise<readonly Frame[]> {
  const answer = await fetchCluster(address, `/features?${new URLSearchParams({ session_id: sessionId })}`, signal);
  return answer.ok ? await answer.json() : [];
}
