import type { Frame } from "@tapedeck/protocol";
import { type Address, askCluster } from "./ask-cluster";

/** The last frames up to the session's playhead, at most 100, oldest first. */
export async function loadHistory(address: Address, sessionId: string, signal: AbortSignal): Promise<readonly Frame[]> {
  const answer = await askCluster(address, `/features?${new URLSearchParams({ session_id: sessionId })}`, signal);
  return answer.ok ? await answer.json() : [];
}
