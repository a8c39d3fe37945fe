import type { Deck } from "../deck/deck";
import { toggleTheme } from "../design/theme";
import { anomalyFilter } from "../views/anomalies/anomaly-filter";
import { nextSpeed } from "./speeds";

export interface Shortcut {
  /** As the help shows them. */
  readonly keys: readonly string[];
  readonly does: string;
}

export const shortcuts: readonly { readonly group: string; readonly list: readonly Shortcut[] }[] = [
  {
    group: "Playing",
    list: [
      { keys: ["Space"], does: "Play or pause" },
      { keys: ["←", "→"], does: "One frame back or on" },
      { keys: ["Shift ←", "Shift →"], does: "Ten seconds back or on" },
      { keys: ["↑", "↓"], does: "Faster or slower" },
      { keys: ["Home"], does: "Stop: back to the start" },
      { keys: ["L"], does: "LIVE: to the edge. Otherwise: loop on or off" },
    ],
  },
  {
    group: "Places",
    list: [
      { keys: ["[", "]"], does: "Previous or next event" },
      { keys: ["I", "O"], does: "Range begins or ends here" },
      { keys: ["P"], does: "Play the whole tape again" },
    ],
  },
  {
    group: "Looking",
    list: [
      { keys: [",", "."], does: "Inspect the frame before or after, without moving the playhead" },
      { keys: ["Esc"], does: "Back to the playhead" },
      { keys: ["T"], does: "Dark or light" },
      { keys: ["?"], does: "This help" },
    ],
  },
];

const skipMs = 10_000;

/** Listens to the keyboard; returns the end of it. */
export function listenToKeys(deck: Deck, showHelp: () => void): () => void {
  const heard = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const action = actionOf(event, deck, showHelp);
    if (!action) return;
    event.preventDefault();
    action();
  };
  addEventListener("keydown", heard);
  return () => removeEventListener("keydown", heard);
}

/** In fields, keys are text; a button has the space bar, a slider and radios the arrows for themselves. */
function isTyping({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog[open]")) return true;
  if (target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return true;
  if (key === " " || key === "Enter") return target.closest("button, a, summary, [role=radio], [role=tab]") !== null;
  if (key.startsWith("Arrow") || key === "Home") return target.closest("[role=slider], [role=separator]") !== null;
  return false;
}

function actionOf({ key, shiftKey }: KeyboardEvent, deck: Deck, showHelp: () => void): (() => void) | undefined {
  const session = deck.store.getState().session;
  const speed = session?.speed ?? 1;
  const at = deck.log.last?.ms;
  switch (key) {
    case " ":
      return () => void deck.toggle();
    case "ArrowLeft":
      return () => void (shiftKey ? deck.rewind(skipMs) : deck.step(-1));
    case "ArrowRight":
      return () => {
        if (!shiftKey) void deck.step(1);
        else if (at !== undefined) void deck.seek({ ts: at + skipMs });
      };
    case "ArrowUp":
      return () => void deck.speed(nextSpeed(speed, 1));
    case "ArrowDown":
      return () => void deck.speed(nextSpeed(speed, -1));
    case "Home":
      return () => void deck.stop();
    case "[":
      return () => void seekEvent(deck, "previous");
    case "]":
      return () => void seekEvent(deck, "next");
    case "i":
    case "I":
      return () => at !== undefined && void deck.range({ from: at });
    case "o":
    case "O":
      return () => at !== undefined && void deck.range({ to: at });
    case "p":
    case "P":
      return () => void deck.range({ from: null, to: null, loop: false });
    case "l":
    case "L":
      return () => void toggleLiveOrLoop(deck);
    case ",":
      return () => deck.inspection.move(-1);
    case ".":
      return () => deck.inspection.move(1);
    case "Escape":
      return () => deck.inspection.release();
    case "t":
    case "T":
      return toggleTheme;
    case "?":
      return showHelp;
    default:
      return undefined;
  }
}

/** To the next event of those that the anomaly feed lists. */
export function seekEvent(deck: Deck, event: "next" | "previous"): Promise<boolean> {
  const { least, type } = anomalyFilter.getState();
  return deck.seek({ event, minSeverity: least, ...(type !== "" && { type }) });
}

export function toggleLiveOrLoop(deck: Deck): Promise<boolean> {
  const session = deck.store.getState().session;
  if (session?.mode === "LIVE") return deck.live();
  return deck.range({ loop: !session?.controller_state.loop });
}
