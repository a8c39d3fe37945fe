/** Milliseconds on this process's monotonic clock. */
export type MonotonicMs = number;

const leaseEnds = [
  /** This ticker has more than its share; another one takes the session. */
  "handed back",
  "shutting down",
  /** Nobody watches. */
  "parked",
  /** Paused, stopped, ended or at the edge: there is nothing to render. */
  "at rest",
  /** Another ticker has claimed the session. */
  "claimed elsewhere",
  /** Deleted or expired. */
  "gone",
  /** The lock ran out or was taken away. */
  "lost",
] as const;

/** Why a lease ends, for logs and metrics. */
export type LeaseEnd = (typeof leaseEnds)[number];

export function isLeaseEnd(reason: unknown): reason is LeaseEnd {
  return leaseEnds.some((end) => end === reason);
}

/** A ticker's hold on one session. Losing it is an ordinary outcome, not an error. */
export interface Lease {
  readonly sessionId: string;
  /** Aborts when the lease is lost or recalled; its reason is a `LeaseEnd`. */
  readonly signal: AbortSignal;
  /** Nothing may be published from this moment on unless the lease is renewed before; each renewal moves it. */
  readonly heldUntil: MonotonicMs;
  /** End of the slice. Then the lease goes back if this ticker has more than its share, otherwise it gets another slice. */
  readonly endsAt: MonotonicMs;
}
