import type { FeedStatus } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import type { LiveTapes } from "./live-tapes.js";

/** How the feed of a session is: in LIVE as the cluster knows it, else why the session has no tape. Undefined: there is nothing to say. */
export async function feedStatusOf(
  { mode, source, symbol, feed }: Pick<SessionRecord, "mode" | "source" | "symbol" | "feed">,
  live: Pick<LiveTapes, "status">,
): Promise<FeedStatus | undefined> {
  if (mode !== "LIVE") return feed ?? undefined;
  return (await live.status(source, symbol))?.status ?? { status: "connecting" };
}
