import { persisted } from "../design/persisted";

/** Kept as a bare origin. */
const apiKey = "tapedeck_api";

/** Access tokens by the origin of their cluster. */
const tokens = persisted<Readonly<Record<string, string>>>("tapedeck_access", {});

/** Origins of other clusters that the user trusts. */
const trusted = persisted<readonly string[]>("tapedeck_trusted", []);

/** The cluster's origin: from `?api=`, else from this browser's setting, else the page's own. */
export function apiOrigin(): string {
  const named = new URLSearchParams(location.search).get("api") ?? readText(apiKey) ?? "";
  return URL.canParse(named) && /^https?:$/.test(new URL(named).protocol) ? new URL(named).origin : location.origin;
}

/** Empty: the page's own origin. */
export function keepApi(origin: string): void {
  writeText(apiKey, origin || undefined);
}

/** Back to the page's own cluster. The rest of the address was meant for the other cluster, so it goes as well. */
export function leaveOtherCluster(): void {
  writeText(apiKey, undefined);
  history.replaceState(null, "", location.pathname);
}

/** The token of a share link, which is behind the `#` and so never sent to a server, else the one that the user pasted. */
export function accessToken(api: string): string | undefined {
  return new URLSearchParams(location.hash.slice(1)).get("access") ?? tokens.get()[api];
}

export function keepAccessToken(api: string, token: string): void {
  tokens.set({ ...tokens.get(), [api]: token });
}

/**
 * The cluster that the address or this browser's setting names, unless the user trusts it. Any link can name one, and its page
 * could look like this one and ask for a token. So nothing is sent to it before the user agrees.
 */
export function untrustedCluster(): string | undefined {
  const api = apiOrigin();
  return api === location.origin || trusted.get().includes(api) ? undefined : api;
}

export function trustCluster(api: string): void {
  if (!trusted.get().includes(api)) trusted.set([...trusted.get(), api]);
}

/** Undefined when absent, and where the browser forbids storage. */
export function readText(name: string): string | undefined {
  try {
    return localStorage.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Where the browser forbids storage, the value lasts as long as the page. */
export function writeText(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // As above.
  }
}
