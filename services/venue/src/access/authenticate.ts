import type { VenueKey, VenueKeys } from "@tapedeck/access";
import type { SessionRecord } from "@tapedeck/sessions";
import { BinanceError, missingParameter } from "../http/binance-error.js";
import { checkReceiveWindow } from "./receive-window.js";
import { isSignedBy, type Signed } from "./signature.js";

/** What of a request says who sends it, and when. */
export interface Credentials extends Signed {
  readonly apiKey: string | undefined;
  readonly timestamp: string | undefined;
  readonly recvWindow: string | undefined;
}

/** @throws BinanceError -2014 for a key of another form or none, -2015 for one that the session lacks */
export async function knownKey(
  keys: Pick<VenueKeys, "find">,
  session: SessionRecord,
  apiKey: string | undefined,
): Promise<VenueKey> {
  if (apiKey === undefined || !/^\w{64}$/.test(apiKey))
    throw new BinanceError("BAD_API_KEY_FMT", "API-key format invalid.", { status: 401 });
  const key = await keys.find(session, apiKey);
  if (key !== undefined) return key;
  throw new BinanceError("REJECTED_MBX_KEY", "Invalid API-key, IP, or permissions for action.", { status: 401 });
}

/**
 * Whether a request was signed with one of the session's keys, a moment ago.
 *
 * @param now ms since 1970
 * @throws BinanceError -2014, -2015, -1102 for a parameter that is missing, -1021 outside of `recvWindow`, -1022 for a wrong signature
 */
export async function authenticate(
  keys: Pick<VenueKeys, "find">,
  session: SessionRecord,
  { apiKey, timestamp, recvWindow, text, signature }: Credentials,
  now: number,
): Promise<VenueKey> {
  const key = await knownKey(keys, session, apiKey);
  checkReceiveWindow({ timestamp, recvWindow }, now);
  if (signature === undefined) throw missingParameter("signature");
  if (isSignedBy(key.credential, text, signature)) return key;
  throw new BinanceError("INVALID_SIGNATURE", "Signature for this request is not valid.");
}
