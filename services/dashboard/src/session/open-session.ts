import type { Deck } from "../deck/deck";
import { apiOrigin, forgetSession, keepSession, sessionChoice } from "./session-choice";

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
  await deck.open({ api: apiOrigin(), sessionId: undefined, shared: false }, keepSession);
}

/** Somebody else's session, to watch together. One's own is kept for later. */
export async function joinSession(deck: Deck, id: string): Promise<void> {
  showInAddress(id);
  await openSession(deck);
}

/** Back from a shared session to one's own. */
export async function leaveShared(deck: Deck): Promise<void> {
  showInAddress(undefined);
  await openSession(deck);
}

function showInAddress(id: string | undefined): void {
  const here = new URL(location.href);
  if (id === undefined) here.searchParams.delete("session");
  else here.searchParams.set("session", id);
  history.replaceState(null, "", here);
}
