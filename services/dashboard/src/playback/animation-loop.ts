/** Draws something when there is something new to draw. */
export interface AnimatedView {
  /** `now` as of `performance.now()`. Returns true to be called in the next animation frame too, new or not. */
  paint(now: number): boolean | undefined;
  /** Paints at most so often, in ms; 0 for every animation frame. */
  readonly everyMs: number;
}

interface Entry {
  readonly view: AnimatedView;
  paintedAt: number;
  due: boolean;
}

/**
 * The one animation loop of the page. Frames of the market wake it, as many as come between two refreshes of the screen cost one
 * drawing, and it rests when nothing changes. React has no part in it.
 */
export class AnimationLoop {
  /** Drawings, and milliseconds spent on them, since the start. */
  paints = 0;
  busyMs = 0;
  #entries = new Set<Entry>();
  #handle: number | undefined;

  /** Adds a view, and returns the function that takes it out. */
  add(view: AnimatedView): () => void {
    const entry: Entry = { view, paintedAt: -Infinity, due: true };
    this.#entries.add(entry);
    this.#request();
    return () => {
      this.#entries.delete(entry);
    };
  }

  /** There is something new: each view draws in its next turn. */
  invalidate(): void {
    for (const entry of this.#entries) entry.due = true;
    this.#request();
  }

  stop(): void {
    if (this.#handle !== undefined) cancelAnimationFrame(this.#handle);
    this.#handle = undefined;
    this.#entries.clear();
  }

  #request(): void {
    this.#handle ??= requestAnimationFrame(this.#turn);
  }

  #turn = (now: number): void => {
    this.#handle = undefined;
    const begun = performance.now();
    let waiting = false;
    for (const entry of this.#entries) {
      if (!entry.due) continue;
      // Half a screen refresh of tolerance, since turns do not come at exact times.
      if (now - entry.paintedAt < entry.view.everyMs - 8) {
        waiting = true;
        continue;
      }
      entry.paintedAt = now;
      entry.due = entry.view.paint(now) === true;
      waiting ||= entry.due;
    }
    this.paints++;
    this.busyMs += performance.now() - begun;
    if (waiting) this.#request();
  };
}
