import type { PlaybackController, SessionChoice } from "../playback/playback-controller";
import { accessToken, apiOrigin, readText, writeText } from "./cluster-settings";

/** The key of existing clients, which keep the bare id. */
const key = "kiro_session_id";

/** Another user's session, with the token of their link if it has one. */
export interface SharedSession {
  readonly id: string;
  readonly access: string | undefined;
}

/** Which session the page opens: that of a shared link, else this browser's own, else a new one. */
function sessionChoice(): SessionChoice {
  const shared = new URLSearchParams(location.search).get("session");
  const own = readText(key);
  const api = apiOrigin();
  return { api, token: accessToken(api), sessionId: shared ?? own, shared: shared !== null && shared !== own };
}

export async function openSession(playback: PlaybackController): Promise<void> {
  const choice = sessionChoice();
  await playback.open(choice, (id) => {
    if (!choice.shared) writeText(key, id);
  });
}

/** Replaces whatever is shown with a new session. */
export async function openNewSession(playback: PlaybackController): Promise<void> {
  writeText(key, undefined);
  showInAddress(undefined);
  await playback.open({ ...sessionChoice(), sessionId: undefined, shared: false }, (id) => writeText(key, id));
}

/** Opens another user's session. This browser's own one is kept for later. */
export async function joinSession(playback: PlaybackController, shared: SharedSession): Promise<void> {
  showInAddress(shared);
  await openSession(playback);
}

/** Returns from a shared session to this browser's own. */
export async function leaveShared(playback: PlaybackController): Promise<void> {
  showInAddress(undefined);
  await openSession(playback);
}

function showInAddress(shared: SharedSession | undefined): void {
  const here = new URL(location.href);
  // The token of one share link is not valid for other sessions.
  here.hash = shared?.access === undefined ? "" : `access=${encodeURIComponent(shared.access)}`;
  if (shared === undefined) here.searchParams.delete("session");
  else here.searchParams.set("session", shared.id);
  history.replaceState(null, "", here);
}

/** A link that opens the same session elsewhere. */
export function sessionLink(id: string, access?: string): string {
  const link = new URL(location.href);
  link.pathname = "/";
  link.search = "";
  link.searchParams.set("session", id);
  if (apiOrigin() !== location.origin) link.searchParams.set("api", apiOrigin());
  link.hash = access === undefined ? "" : `access=${encodeURIComponent(access)}`;
  return link.href;
}

/** Reads what a user pasted: a link of ours, or a bare id. */
export function parseSessionLink(text: string): SharedSession | undefined {
  const trimmed = text.trim();
  if (URL.canParse(trimmed)) {
    const link = new URL(trimmed);
    const id = link.searchParams.get("session");
    const access = new URLSearchParams(link.hash.slice(1)).get("access") ?? undefined;
    return id === null ? undefined : { id, access };
  }
  return /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}$/.test(trimmed) ? { id: trimmed, access: undefined } : undefined;
}
