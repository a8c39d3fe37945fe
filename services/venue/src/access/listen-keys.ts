import { createHash } from "node:crypto";
import type { VenueKey, VenueKeys } from "@tapedeck/access";
import type { SessionRecord } from "@tapedeck/sessions";
import type { KeyedRoute } from "./signed-route.js";

/**
 * The listen key of a venue key: always the same, on every node, and as long valid. So nothing is stored, and renewing and closing it have
 * nothing to do.
 */
export function listenKeyOf({ apiKey, credential }: VenueKey): string {
  const secret = credential.kind === "HMAC" ? credential.secret : credential.publicKey;
  return createHash("sha256").update(`listen ${apiKey} ${secret}`).digest("hex");
}

/** The venue key whose listen key this is; undefined if the session has none. */
export async function keyOfListenKey(
  keys: Pick<VenueKeys, "list">,
  session: SessionRecord,
  listenKey: string,
): Promise<VenueKey | undefined> {
  return (await keys.list(session)).find((key) => listenKeyOf(key) === listenKey);
}

const begun = ({ key }: { readonly key: VenueKey }) => ({ listenKey: listenKeyOf(key) });
const nothing = () => ({});

/** Begin, renew and close a user data stream, for which the key is enough. Futures answer a renewal with the key. */
export const listenKeyRoutes: readonly KeyedRoute[] = [
  { method: "POST", path: "/api/v3/userDataStream", weight: 2, handle: begun },
  { method: "PUT", path: "/api/v3/userDataStream", weight: 2, handle: nothing },
  { method: "DELETE", path: "/api/v3/userDataStream", weight: 2, handle: nothing },
  { method: "POST", path: "/fapi/v1/listenKey", handle: begun },
  { method: "PUT", path: "/fapi/v1/listenKey", handle: begun },
  { method: "DELETE", path: "/fapi/v1/listenKey", handle: nothing },
];
