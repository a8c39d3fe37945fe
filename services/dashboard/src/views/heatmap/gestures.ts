import type { PlaybackController } from "../../playback/playback-controller";

/** In CSS pixels from the left and top edge. */
export interface PointerPosition {
  readonly x: number;
  readonly y: number;
}

interface GestureTarget {
  /** Without the axes, in CSS pixels. */
  plotSize(): { readonly width: number; readonly height: number };
  /** A factor above 1 shows more prices. The price at `y` CSS pixels from the top stays there if the view does not follow the price. */
  zoomPrice(factor: number, y?: number): void;
  /** Moves the shown prices by a share of the plot's height, upwards if positive. */
  scrollPrice(share: number): void;
  followPrice(): void;
  onPointer(at: PointerPosition | undefined): void;
}

/** A press that moves farther is a drag, not a click. */
const dragPx = 4;
/** How far the page keys scroll, as a share of the plot. */
const page = 0.8;

/** What a drag does, decided by its first few pixels. */
type Drag = "undecided" | "time" | "prices" | "scale";

/**
 * Pointing inspects a past moment while playback is not running; a click pins it. Dragging sideways moves in time, up and down through
 * prices, and on the price axis changes its scale. The wheel zooms time; with Shift or Ctrl, or on the axis, prices; with Alt it moves
 * through prices. Two fingers zoom both. A double click follows playhead and price again. While it has focus, Page Up and Page Down move
 * through prices, with Shift they zoom. Returns a function that stops listening.
 */
export function listenToGestures(
  element: HTMLElement,
  playback: PlaybackController,
  target: GestureTarget,
): () => void {
  const { viewport, inspection, animation, log } = playback;
  const ending = new AbortController();
  const { signal } = ending;
  const pointers = new Map<number, PointerPosition>();
  let drag: { does: Drag; readonly from: PointerPosition } | undefined;

  const shareOf = (x: number) => x / Math.max(1, target.plotSize().width);
  const isOnAxis = (x: number) => x > target.plotSize().width;
  const seqAt = (x: number): number | undefined => {
    const { from, to } = viewport.window;
    return log.at(log.indexAt(from + shareOf(x) * (to - from)))?.frame.seq;
  };

  const dragBy = (before: PointerPosition, at: PointerPosition) => {
    if (!drag) return;
    const [across, down] = [at.x - drag.from.x, at.y - drag.from.y];
    if (drag.does === "undecided" && Math.hypot(across, down) > dragPx) {
      if (isOnAxis(drag.from.x)) drag.does = "scale";
      else drag.does = Math.abs(across) >= Math.abs(down) ? "time" : "prices";
    }
    const { height } = target.plotSize();
    if (drag.does === "time") viewport.pan(-shareOf(at.x - before.x) * viewport.spanMs);
    if (drag.does === "prices") target.scrollPrice((at.y - before.y) / Math.max(1, height));
    if (drag.does === "scale") target.zoomPrice(Math.exp((at.y - before.y) / 150), height / 2);
  };

  /** Two fingers: the distances between them before and after a move set both scales. */
  const pinch = (id: number, at: PointerPosition) => {
    const [before, other] = [pointers.get(id), [...pointers].find(([key]) => key !== id)?.[1]];
    if (!before || !other) return;
    const factor = (axis: "x" | "y") => {
      const [was, is] = [Math.abs(before[axis] - other[axis]), Math.abs(at[axis] - other[axis])];
      return was < 30 || is < 30 ? 1 : was / is;
    };
    if (factor("x") !== 1) viewport.zoom(factor("x"), Math.min(1, shareOf((at.x + other.x) / 2)));
    if (factor("y") !== 1) target.zoomPrice(factor("y"), (at.y + other.y) / 2);
  };

  element.tabIndex = 0;
  element.style.touchAction = "none";
  element.addEventListener(
    "pointermove",
    ({ pointerId, offsetX: x, offsetY: y }) => {
      const before = pointers.get(pointerId);
      if (pointers.size > 1) pinch(pointerId, { x, y });
      else if (before) dragBy(before, { x, y });
      if (before) pointers.set(pointerId, { x, y });
      target.onPointer({ x, y });
      if (!playback.isPlaying) inspection.point(seqAt(x));
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
    ({ button, pointerId, offsetX: x, offsetY: y }) => {
      if (button !== 0) return;
      element.setPointerCapture(pointerId);
      pointers.set(pointerId, { x, y });
      drag = pointers.size === 1 ? { does: "undecided", from: { x, y } } : undefined;
    },
    { signal },
  );
  element.addEventListener(
    "pointerup",
    ({ pointerId, offsetX: x }) => {
      const clicked = drag?.does === "undecided" && !isOnAxis(x);
      pointers.delete(pointerId);
      drag = undefined;
      if (!clicked) return;
      const seq = seqAt(x);
      if (inspection.store.getState().pinned) inspection.release();
      else if (seq !== undefined) inspection.pin(seq);
      animation.invalidate();
    },
    { signal },
  );
  element.addEventListener(
    "pointercancel",
    ({ pointerId }) => {
      pointers.delete(pointerId);
      drag = undefined;
    },
    { signal },
  );
  element.addEventListener(
    "dblclick",
    () => {
      viewport.follow();
      target.followPrice();
      inspection.release();
      animation.invalidate();
    },
    { signal },
  );
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      // With Shift, some systems turn the wheel sideways.
      const delta = event.deltaY || event.deltaX;
      const factor = Math.exp(Math.sign(delta) * Math.min(0.25, Math.abs(delta) / 400));
      if (event.altKey) target.scrollPrice(-Math.sign(delta) * Math.min(0.1, Math.abs(delta) / 1000));
      else if (event.shiftKey || event.ctrlKey || isOnAxis(event.offsetX)) target.zoomPrice(factor, event.offsetY);
      else viewport.zoom(factor, Math.min(1, shareOf(event.offsetX)));
      animation.invalidate();
    },
    { signal, passive: false },
  );
  element.addEventListener(
    "keydown",
    (event) => {
      const direction = { PageUp: 1, PageDown: -1 }[event.key];
      if (direction === undefined) return;
      event.preventDefault();
      if (event.shiftKey) target.zoomPrice(direction > 0 ? 1.3 : 1 / 1.3);
      else target.scrollPrice(direction * page);
      animation.invalidate();
    },
    { signal },
  );
  return () => ending.abort();
}
