import type { Lease, LeaseLoss } from "@tapedeck/leases";
import type { TickerJob } from "@tapedeck/sessions";

/** A ticker's lease of one session. */
export type SessionLease = Lease<TickerJob>;

/** Why a lease ends, for logs and metrics. */
export type LeaseEnd =
  | LeaseLoss
  /** No viewers. */
  | "parked"
  /** Paused, stopped, ended or at the edge: nothing to render. */
  | "at rest"
  /** Another ticker has claimed the session. */
  | "claimed elsewhere"
  /** Deleted or expired. */
  | "gone";

const leaseEnds: Readonly<Record<LeaseEnd, true>> = {
  "handed back": true,
  "shutting down": true,
  lost: true,
  parked: true,
  "at rest": true,
  "claimed elsewhere": true,
  gone: true,
};

export function isLeaseEnd(reason: unknown): reason is LeaseEnd {
  return typeof reason === "string" && reason in leaseEnds;
}
