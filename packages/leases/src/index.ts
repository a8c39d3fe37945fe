export {
  type BalanceOptions,
  fairShare,
  liveWorkers,
  type NodeKeys,
  startBalance,
  type WorkerLoad,
} from "./balance.js";
export { type CrashRecord, isCrashLoop, recordStall } from "./crash-loop.js";
export type { Lease, LeaseLoss, MonotonicMs } from "./lease.js";
export { LeasePool, type LeasePoolOptions } from "./lease-pool.js";
export { type MaintenanceOptions, startMaintenance } from "./maintenance.js";
