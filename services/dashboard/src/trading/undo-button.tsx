import { useStore } from "zustand";
import { Button } from "../design/controls";
import { usePlayback } from "../playback-context";

/** Rewinds to just before the newest order was sent, which undoes it and all that followed. */
export function UndoButton() {
  const playback = usePlayback();
  const last = useStore(playback.trading.store, ({ orders }) => orders.at(-1));
  if (last === undefined) return null;
  // An order belongs to the place at which it was sent; a millisecond before it, it has not been.
  const undo = () => void playback.seek({ ts: Date.parse(last.created_at) - 1 });
  return (
    <Button variant="outlined" title="Rewinds to just before the newest order was sent" onClick={undo}>
      Undo last order
    </Button>
  );
}
