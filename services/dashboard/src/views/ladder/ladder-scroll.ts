interface Scrolling {
  /** In CSS pixels. */
  readonly rowHeight: number;
  /** Rows that a page key scrolls. */
  pageRows(): number;
  /** Towards the bottom, or the top if negative. */
  scrollBy(rows: number): void;
}

/** Scrolls a canvas of rows by wheel, by dragging, and by the page keys while it has focus. Returns a function that stops it. */
export function listenToScroll(canvas: HTMLCanvasElement, { rowHeight, pageRows, scrollBy }: Scrolling): () => void {
  const stopped = new AbortController();
  const { signal } = stopped;
  /** Pixels that are less than a row. */
  let rest = 0;
  const byPixels = (pixels: number) => {
    rest += pixels;
    const rows = Math.trunc(rest / rowHeight);
    rest -= rows * rowHeight;
    if (rows !== 0) scrollBy(rows);
  };
  canvas.tabIndex = 0;
  canvas.style.touchAction = "none";
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      byPixels(event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * rowHeight);
    },
    { signal, passive: false },
  );
  let from: number | undefined;
  canvas.addEventListener(
    "pointerdown",
    ({ pointerId, clientY }) => {
      canvas.setPointerCapture(pointerId);
      from = clientY;
      rest = 0;
    },
    { signal },
  );
  canvas.addEventListener(
    "pointermove",
    ({ clientY }) => {
      if (from === undefined) return;
      byPixels(from - clientY);
      from = clientY;
    },
    { signal },
  );
  for (const end of ["pointerup", "pointercancel"] as const) {
    canvas.addEventListener(
      end,
      () => {
        from = undefined;
      },
      { signal },
    );
  }
  canvas.addEventListener(
    "keydown",
    (event) => {
      const pages = { PageDown: 1, PageUp: -1 }[event.key];
      if (pages === undefined) return;
      event.preventDefault();
      scrollBy(pages * pageRows());
    },
    { signal },
  );
  return () => stopped.abort();
}
