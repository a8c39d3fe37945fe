import type { Deck } from "../deck/deck";
import { forgetSession, keepSession, type Shared, sessionChoice } from "./session-choice";

/** Opens what the address and this browser's memory ask for. */
export async function openSession(deck: Deck): Promise<void> {
  const choice = sessionChoice();
  await deck.open(choice, (id) => {
    if (!choice.shared) keepSession(id);
  });
}

/** A session of one's own in place of whatever is shown. */
export async function openNewSession(deck: Deck): Promise<void> {
  forgetSession();
  showInAddress(undefined);
  await deck.open({ ...sessionChoice(), sessionId: undefined, shared: false }, keepSession);
}

/** Somebody else's session, to watch together. One's own is kept for later. */
export async function joinSession(deck: Deck, shared: Shared): Promise<void> {
  showInAddress(shared);
  await openSession(deck);
}

/** Back from a shared session to one's own. */
export async function leaveShared(deck: Deck): Promise<void> {
  showInAddress(undefined);
  await openSession(deck);
}

function showInAddress(shared: Shared | undefined): void {
  const here = new URL(location.href);
  // The token of one shared link is good for no other session.
  here.hash = shared?.access === undefined ? "" : `access=${encodeURIComponent(shared.access)}`;
  if (shared === undefined) here.searchParams.delete("session");
  else here.searchParams.set("session", shared.id);
  history.replaceState(null, "", here);
}
