import { persisted } from "../design/persisted";
import { apiOrigin } from "./session-links";

/** Origins of clusters elsewhere that the user has agreed to use. */
const trusted = persisted<readonly string[]>("tapedeck_trusted", []);

/**
 * The cluster that the address or this browser's setting names, until the user has agreed to it. A link can name any: nothing is asked of
 * it before, and no token sent to it, since a page that looks like this one could be asking for it.
 */
export function unknownCluster(): string | undefined {
  const api = apiOrigin();
  return api === location.origin || trusted.get().includes(api) ? undefined : api;
}

export function trustCluster(api: string): void {
  if (!trusted.get().includes(api)) trusted.set([...trusted.get(), api]);
}
