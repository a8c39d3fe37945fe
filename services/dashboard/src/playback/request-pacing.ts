import type { AnimationLoop } from "./animation-loop";

const afterFailureMs = 5000;

/**
 * Requests of views that ask at each of their paints: one at a time, and none too early. The views are painted again when a request has ended, and
 * when one that came too early may be made.
 */
export class RequestPacing {
  /** As of `performance.now()`: no request before. */
  notBefore = 0;
  readonly #animation: AnimationLoop;
  #loading = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(animation: AnimationLoop) {
    this.#animation = animation;
  }

  /** Whether a request is under way, or one is waited for. */
  get isBusy(): boolean {
    return this.#loading || this.#timer !== undefined;
  }

  /**
   * Makes a request, unless it is too early or another one is under way. If it fails, the next one waits: the views show what frames have. The tape
   * may have been deleted, or the cluster is unavailable for a moment.
   *
   * @param notBefore of this request, beside that of all; as of `performance.now()`
   */
  request(load: () => Promise<void>, notBefore = 0): void {
    if (this.isBusy) return;
    const wait = Math.max(this.notBefore, notBefore) - performance.now();
    if (wait <= 0) {
      void this.#make(load);
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#animation.invalidate();
    }, wait);
  }

  async #make(load: () => Promise<void>): Promise<void> {
    this.#loading = true;
    try {
      await load();
    } catch {
      this.notBefore = performance.now() + afterFailureMs;
    } finally {
      this.#loading = false;
      this.#animation.invalidate();
    }
  }
}
