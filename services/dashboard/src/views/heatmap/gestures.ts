import type { PlaybackController } from "../../playback/playback-controller";

/** In CSS pixels from the left and top edge. */
export interface PointerPosition {
  readonly x: number;
  readonly y: number;
}

interface GestureTarget {
  /** Width of the plot without the price axis, in CSS pixels. */
  plotWidth(): number;
  zoomPrice(factor: number): void;
  onPointer(at: PointerPosition | undefined): void;
}

/** A press that moves farther is a drag, not a click. */
const dragPx = 4;

/**
 * Pointing inspects a past moment while playback is not running; a click pins it; dragging pans; the wheel zooms time, with Shift
 * or Ctrl prices; a double click follows the playhead again. Returns a function that stops listening.
 */
export function listenToGestures(
  element: HTMLElement,
  playback: PlaybackController,
  target: GestureTarget,
): () => void {
  const { viewport, inspection, animation, log } = playback;
  const ending = new AbortController();
  const { signal } = ending;
  let drag: { x: number; moved: number } | undefined;

  const seqAt = (x: number): number | undefined => {
    const { from, to } = viewport.window;
    return log.at(log.indexAt(from + (x / Math.max(1, target.plotWidth())) * (to - from)))?.frame.seq;
  };

  element.addEventListener(
    "pointermove",
    (event) => {
      if (drag) {
        const by = event.offsetX - drag.x;
        drag = { x: event.offsetX, moved: drag.moved + Math.abs(by) };
        if (drag.moved > dragPx) viewport.pan((-by / target.plotWidth()) * viewport.spanMs);
      }
      target.onPointer({ x: event.offsetX, y: event.offsetY });
      if (!playback.isPlaying) inspection.point(seqAt(event.offsetX));
      animation.invalidate();
    },
    { signal },
  );
  element.addEventListener(
    "pointerleave",
    () => {
      target.onPointer(undefined);
      inspection.point(undefined);
      animation.invalidate();
    },
    { signal },
  );
  element.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      drag = { x: event.offsetX, moved: 0 };
    },
    { signal },
  );
  element.addEventListener(
    "pointerup",
    (event) => {
      const clicked = drag !== undefined && drag.moved <= dragPx;
      drag = undefined;
      if (!clicked) return;
      const seq = seqAt(event.offsetX);
      if (inspection.store.getState().pinned) inspection.release();
      else if (seq !== undefined) inspection.pin(seq);
      animation.invalidate();
    },
    { signal },
  );
  element.addEventListener(
    "dblclick",
    () => {
      viewport.follow();
      inspection.release();
      animation.invalidate();
    },
    { signal },
  );
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const factor = Math.exp(Math.sign(event.deltaY) * Math.min(0.25, Math.abs(event.deltaY) / 400));
      if (event.shiftKey || event.ctrlKey) target.zoomPrice(factor);
      else viewport.zoom(factor, Math.min(1, event.offsetX / Math.max(1, target.plotWidth())));
      animation.invalidate();
    },
    { signal, passive: false },
  );
  return () => ending.abort();
}
