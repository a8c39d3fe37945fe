/** Something that the animation loop draws. */
export interface AnimatedView {
  /** `now` as of `performance.now()`. Returns true to be called again in the next animation frame. */
  paint(now: number): boolean | undefined;
  /** Shortest time between two paints in ms; 0 for every animation frame. */
  readonly everyMs: number;
}

interface Entry {
  readonly view: AnimatedView;
  paintedAt: number;
  due: boolean;
}

/**
 * The page's only animation loop. Market frames invalidate it; all that arrive between two screen refreshes cost one paint; and
 * it does not run while nothing changes. React has no part in it.
 */
export class AnimationLoop {
  /** Paints, and milliseconds spent on them, since the start. */
  paints = 0;
  busyMs = 0;
  #entries = new Set<Entry>();
  #handle: number | undefined;

  /** @returns a function that removes the view */
  add(view: AnimatedView): () => void {
    const entry: Entry = { view, paintedAt: -Infinity, due: true };
    this.#entries.add(entry);
    this.#request();
    return () => {
      this.#entries.delete(entry);
    };
  }

  /** Something changed: each view paints when its interval allows. */
  invalidate(): void {
    for (const entry of this.#entries) entry.due = true;
    this.#request();
  }

  #request(): void {
    this.#handle ??= requestAnimationFrame(this.#run);
  }

  #run = (now: number): void => {
    this.#handle = undefined;
    const startedAt = performance.now();
    let waiting = false;
    for (const entry of this.#entries) {
      if (!entry.due) continue;
      // Half a screen refresh of tolerance, because animation frames do not come at exact times.
      if (now - entry.paintedAt < entry.view.everyMs - 8) {
        waiting = true;
        continue;
      }
      entry.paintedAt = now;
      entry.due = entry.view.paint(now) === true;
      waiting ||= entry.due;
    }
    this.paints++;
    this.busyMs += performance.now() - startedAt;
    if (waiting) this.#request();
  };
}
