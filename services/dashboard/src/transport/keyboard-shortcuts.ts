import { toggleTheme } from "../design/theme";
import type { PlaybackController } from "../playback/playback-controller";
import { anomalyFilter } from "../views/anomalies/anomaly-filter";

interface Shortcut {
  /** As shown in the help. */
  readonly keys: readonly string[];
  readonly does: string;
}

export const shortcuts: readonly { readonly group: string; readonly list: readonly Shortcut[] }[] = [
  {
    group: "Playback",
    list: [
      { keys: ["Space"], does: "Play or pause" },
      { keys: ["←", "→"], does: "One frame back or forward" },
      { keys: ["Shift ←", "Shift →"], does: "Ten seconds back or forward" },
      { keys: ["↑", "↓"], does: "Faster or slower" },
      { keys: ["Home"], does: "Stop and return to the start" },
      { keys: ["L"], does: "In LIVE: jump to the live edge. Otherwise: loop on or off" },
    ],
  },
  {
    group: "Events and range",
    list: [
      { keys: ["[", "]"], does: "Previous or next event" },
      { keys: ["I", "O"], does: "Set range start or end" },
      { keys: ["P"], does: "Clear range" },
    ],
  },
  {
    group: "View",
    list: [
      { keys: [",", "."], does: "Inspect the previous or next frame without moving the playhead" },
      { keys: ["Esc"], does: "Back to the playhead" },
      {
        keys: ["Page Up", "Page Down"],
        does: "With focus on depth or ladder: scroll prices. With Shift on depth: zoom",
      },
      { keys: ["T"], does: "Dark or light theme" },
      { keys: ["?"], does: "Show this help" },
    ],
  },
];

const skipMs = 10_000;

/** Returns a function that stops listening. */
export function listenToKeys(playback: PlaybackController, showHelp: () => void): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isHandledByFocus(event)) return;
    const action = actionOf(event, playback, showHelp);
    if (!action) return;
    event.preventDefault();
    action();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}

/** Fields need all keys; buttons need Space and Enter; sliders and separators need arrows and Home. */
function isHandledByFocus({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog[open]")) return true;
  if (target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return true;
  if (key === " " || key === "Enter") return target.closest("button, a, summary, [role=radio], [role=tab]") !== null;
  if (key.startsWith("Arrow") || key === "Home") return target.closest("[role=slider], [role=separator]") !== null;
  return false;
}

function actionOf(
  { key, shiftKey }: KeyboardEvent,
  playback: PlaybackController,
  showHelp: () => void,
): (() => void) | undefined {
  const at = playback.log.last?.ms;
  switch (key) {
    case " ":
      return () => void playback.toggle();
    case "ArrowLeft":
      return () => void (shiftKey ? playback.rewind(skipMs) : playback.step(-1));
    case "ArrowRight":
      return () => {
        if (!shiftKey) void playback.step(1);
        else if (at !== undefined) void playback.seek({ ts: at + skipMs });
      };
    case "ArrowUp":
      return () => void playback.stepSpeed(1);
    case "ArrowDown":
      return () => void playback.stepSpeed(-1);
    case "Home":
      return () => void playback.stop();
    case "[":
      return () => void seekEvent(playback, "previous");
    case "]":
      return () => void seekEvent(playback, "next");
    case "i":
    case "I":
      return () => at !== undefined && void playback.range({ from: at });
    case "o":
    case "O":
      return () => at !== undefined && void playback.range({ to: at });
    case "p":
    case "P":
      return () => void playback.range({ from: null, to: null, loop: false });
    case "l":
    case "L":
      return () => void toggleLiveOrLoop(playback);
    case ",":
      return () => playback.inspection.move(-1);
    case ".":
      return () => playback.inspection.move(1);
    case "Escape":
      return () => playback.inspection.release();
    case "t":
    case "T":
      return toggleTheme;
    case "?":
      return showHelp;
    default:
      return undefined;
  }
}

/** Seeks to the next or previous event that passes the anomaly filter. */
export function seekEvent(playback: PlaybackController, event: "next" | "previous"): Promise<boolean> {
  const { minSeverity, type } = anomalyFilter.getState();
  return playback.seek({ event, minSeverity, ...(type !== "" && { type }) });
}

function toggleLiveOrLoop(playback: PlaybackController): Promise<boolean> {
  const session = playback.store.getState().session;
  if (session?.mode === "LIVE") return playback.live();
  return playback.range({ loop: !session?.controller_state.loop });
}
