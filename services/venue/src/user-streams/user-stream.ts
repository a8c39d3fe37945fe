import { keyOfListenKey } from "../access/listen-keys.js";
import { OwnAccount } from "../account/own-account.js";
import type { Venue } from "../context.js";
import { BinanceError } from "../http/binance-error.js";
import type { Target } from "../http/target.js";
import { accountFeed, type TakeEvent } from "./account-feed.js";

/** Whether a name of a stream has the form of a listen key. */
export function isListenKey(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** Rejects with -1125 unless the session has the key to which the listen key belongs. */
export async function checkListenKey(
  listenKey: string,
  { session }: Pick<Target, "session">,
  { store, access }: Venue,
): Promise<void> {
  const found = await store.read(session);
  const key = found && (await keyOfListenKey(access.venueKeys, found.record, listenKey));
  if (key === undefined) throw new BinanceError("INVALID_LISTEN_KEY", "This listenKey does not exist.");
}

/**
 * Tells what happens to a session's account, from the playhead on.
 *
 * @returns what ends it. Rejects as reading the session's trading does
 */
export async function followAccount(
  { session, market }: Pick<Target, "session" | "market">,
  venue: Venue,
  take: TakeEvent,
): Promise<() => void> {
  const account = await OwnAccount.open(session, market, venue);
  const feed = await accountFeed(account, venue);
  return feed.join(take);
}
