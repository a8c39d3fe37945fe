import type { PlaybackController } from "../../playback/playback-controller";

/** In CSS pixels from the left and top edge. */
export interface Pointed {
  readonly x: number;
  readonly y: number;
}

export interface GestureTarget {
  /** Of the part that shows time, in CSS pixels. */
  plotWidth(): number;
  zoomPrice(factor: number): void;
  pointed(at: Pointed | undefined): void;
}

/** Farther than this a press is a drag and no click. */
const dragPx = 4;

/**
 * Pointing shows a past moment while the deck stands; a click pins it; dragging looks back; the wheel zooms time, with shift or
 * control prices; a double click follows the playhead again. Returns the end of it.
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
      target.pointed({ x: event.offsetX, y: event.offsetY });
      if (playback.standing) inspection.point(seqAt(event.offsetX));
      animation.invalidate();
    },
    { signal },
  );
  element.addEventListener(
    "pointerleave",
    () => {
      target.pointed(undefined);
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
