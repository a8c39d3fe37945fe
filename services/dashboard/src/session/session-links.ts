import type { SessionChoice } from "../playback/playback-controller";
import { accessToken } from "./access-token";

/** As existing clients keep it: the bare id. */
const key = "kiro_session_id";
const apiKey = "tapedeck_api";

/** Which session the page opens: that of a shared link, else this browser's own, else a new one. */
export function sessionChoice(): SessionChoice {
  const shared = new URLSearchParams(location.search).get("session");
  const own = read(key);
  const api = apiOrigin();
  return { api, token: accessToken(api), sessionId: shared ?? own, shared: shared !== null && shared !== own };
}

/** The cluster's origin: from `?api=`, from the setting, or the page's own. */
export function apiOrigin(): string {
  const asked = new URLSearchParams(location.search).get("api") ?? read(apiKey) ?? "";
  return URL.canParse(asked) && /^https?:$/.test(new URL(asked).protocol) ? new URL(asked).origin : location.origin;
}

export function keepSession(id: string): void {
  write(key, id);
}

export function forgetSession(): void {
  write(key, undefined);
}

/** Empty: the page's own origin. */
export function keepApi(origin: string): void {
  write(apiKey, origin || undefined);
}

/** Back to the cluster that the page came from. What else the address says was meant for the other one. */
export function leaveOtherCluster(): void {
  write(apiKey, undefined);
  history.replaceState(null, "", location.pathname);
}

/** A link that opens the same session elsewhere. */
export function sessionLink(id: string): string {
  const link = new URL(location.href);
  link.pathname = "/";
  link.hash = "";
  link.search = "";
  link.searchParams.set("session", id);
  if (apiOrigin() !== location.origin) link.searchParams.set("api", apiOrigin());
  return link.href;
}

/** Somebody's session, with the token of their link if it has one. */
export interface SharedSession {
  readonly id: string;
  readonly access: string | undefined;
}

/** What somebody pasted: a link of ours, or a bare id. */
export function parseSessionLink(text: string): SharedSession | undefined {
  const wanted = text.trim();
  if (URL.canParse(wanted)) {
    const link = new URL(wanted);
    const id = link.searchParams.get("session");
    const access = new URLSearchParams(link.hash.slice(1)).get("access") ?? undefined;
    return id === null ? undefined : { id, access };
  }
  return /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}$/.test(wanted) ? { id: wanted, access: undefined } : undefined;
}

function read(name: string): string | undefined {
  try {
    return localStorage.getItem(name) ?? undefined;
  } catch {
    return undefined; // storage is forbidden here; the session lasts as long as the page
  }
}

function write(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // As above.
  }
}
