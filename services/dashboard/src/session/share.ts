import { accessToken } from "./access-token";
import { apiOrigin, sessionLink } from "./session-links";

export type ShareRole = "viewer" | "controller";

/**
 * A link to the session for somebody else. Where the cluster knows its users, the link carries a token of its own, which lets its
 * holder do no more than `role` says, for a day. Rejects with the cluster's sentence.
 */
export async function shareLink(id: string, role: ShareRole): Promise<string> {
  const token = accessToken(apiOrigin());
  if (token === undefined) return sessionLink(id);
  const answer = await fetch(`${apiOrigin()}/sessions/${encodeURIComponent(id)}/shares`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ role }),
  });
  const made: { token?: string; message?: string } = await answer.json();
  if (made.token === undefined) throw new Error(made.message ?? "No link could be made.");
  return `${sessionLink(id)}#access=${encodeURIComponent(made.token)}`;
}
