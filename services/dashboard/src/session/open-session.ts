import type { PlaybackController } from "../playback/playback-controller";
import { forgetSession, keepSession, type SharedSession, sessionChoice } from "./session-links";

/** Opens what the address and this browser's memory ask for. */
export async function openSession(playback: PlaybackController): Promise<void> {
  const choice = sessionChoice();
  await playback.open(choice, (id) => {
    if (!choice.shared) keepSession(id);
  });
}

/** A session of one's own in place of whatever is shown. */
export async function openNewSession(playback: PlaybackController): Promise<void> {
  forgetSession();
  showInAddress(undefined);
  await playback.open({ ...sessionChoice(), sessionId: undefined, shared: false }, keepSession);
}

/** Somebody else's session, to watch together. One's own is kept for later. */
export async function joinSession(playback: PlaybackController, shared: SharedSession): Promise<void> {
  showInAddress(shared);
  await openSession(playback);
}

/** Back from a shared session to one's own. */
export async function leaveShared(playback: PlaybackController): Promise<void> {
  showInAddress(undefined);
  await openSession(playback);
}

function showInAddress(shared: SharedSession | undefined): void {
  const here = new URL(location.href);
  // The token of one shared link is good for no other session.
  here.hash = shared?.access === undefined ? "" : `access=${encodeURIComponent(shared.access)}`;
  if (shared === undefined) here.searchParams.delete("session");
  else here.searchParams.set("session", shared.id);
  history.replaceState(null, "", here);
}
