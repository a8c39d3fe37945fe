import type { MatchingSettings } from "../settings.js";
import type { Account, AccountState } from "./account.js";
import { FuturesAccount } from "./futures-account.js";
import { SpotAccount } from "./spot-account.js";

/** @param state of an earlier account with the same settings; the settings' balances without one */
export function openAccount(settings: MatchingSettings, state?: AccountState): Account {
  const { account } = settings;
  if (account.kind === "spot") return new SpotAccount(settings, account, state?.kind === "spot" ? state : undefined);
  return new FuturesAccount(settings, account, state?.kind === "futures" ? state : undefined);
}
