/** Milliseconds on this process's monotonic clock. */
export type MonotonicMs = number;

/** Why a lease ends that nobody has let go of. */
export type LeaseLoss =
  /** This worker has more than its share; another one takes it. */
  | "handed back"
  | "shutting down"
  /** The lock ran out or was taken away. */
  | "lost";

/** A worker's hold on one thing, of which a job tells. Losing it is an ordinary outcome, not an error. */
export interface Lease<Job> {
  readonly job: Job;
  /** Aborts when the lease is lost or recalled; its reason is a `LeaseLoss`. */
  readonly signal: AbortSignal;
  /** Nothing may be published from this moment on unless the lease is renewed before; each renewal moves it. */
  readonly heldUntil: MonotonicMs;
  /** End of the slice. Then the lease goes back if its worker has more than its share, otherwise it gets another slice. */
  readonly endsAt: MonotonicMs;
}
