/** Milliseconds on this process's monotonic clock. */
export type MonotonicMs = number;

/** How a lease is lost. */
export type LeaseLoss =
  /** This worker has more than its share; another worker takes it. */
  | "handed back"
  | "shutting down"
  /** The lock expired or another worker has it. */
  | "lost";

/** A worker's exclusive right to the work of one job. Losing it is an ordinary outcome, not an error. */
export interface Lease<Job> {
  readonly job: Job;
  /** Aborts when the lease is lost; its reason is a `LeaseLoss`. */
  readonly signal: AbortSignal;
  /** Nothing may be published after this moment; each renewal of the lock extends it. */
  readonly heldUntil: MonotonicMs;
  /** End of the slice. Then the lease is handed back if its worker has more than its share; otherwise it gets another slice. */
  readonly endsAt: MonotonicMs;
}
