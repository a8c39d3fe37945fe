export { type BalanceOptions, liveWorkers, type NodeKeys, shareOf, startBalance, type WorkerLoad } from "./balance.js";
export { type Crashes, crashed, isCrashLoop } from "./crash-loop.js";
export { Intake, type IntakeOptions } from "./intake.js";
export type { Lease, LeaseLoss, MonotonicMs } from "./lease.js";
export { type Crashed, type LeaseJob, LeaseWorker, lock } from "./lease-worker.js";
export { startUpkeep, type UpkeepOptions } from "./upkeep.js";
