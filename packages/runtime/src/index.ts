export { clientAddress, type TrustedProxies, trustedProxies } from "./http/client-address.js";
export {
  isModelTestSession,
  legacyCommandEntry,
  legacyEntryTtlMs,
  legacyFingerprint,
  legacySocketEntry,
  pageTag,
  sessionsOfEntries,
  tagsBySession,
  untagged,
} from "./http/legacy-pages.js";
export { isLoopback } from "./http/loopback.js";
export {
  type GuardedHeader,
  type GuardedRequest,
  type GuardRefusal,
  type GuardSettings,
  guardedHeaders,
  guardedRequest,
  RequestGuard,
  securityHeaders,
} from "./http/request-guard.js";
export { startStatusServer } from "./http/status-server.js";
export {
  enforceTimeouts,
  type HttpTimeouts,
  httpTimeouts,
  lingeringClose,
  respondAndClose,
  timeoutOptions,
} from "./http/timeouts.js";
export { ConfigError, readConfig } from "./node/config.js";
export { type Condition, createHealth, type Health, type HealthSnapshot } from "./node/health.js";
export { type HeartbeatOptions, heartbeatTtlS, startHeartbeat } from "./node/heartbeat.js";
export { announceReady, endWithParent } from "./node/parent-process.js";
export {
  commaList,
  commonEnv,
  integer,
  millis,
  onOff,
  port,
  seconds,
  simulationWarmUp,
  statusPort,
} from "./node/settings.js";
export { createShutdown, type Shutdown, type ShutdownOptions } from "./node/shutdown.js";
export { type CountCommand, createCommandCounter } from "./observability/command-counts.js";
export { LatencyHistogram, latencyBuckets } from "./observability/latency-histogram.js";
export { createLogger, type Logger, type LoggerOptions, type LogLevel } from "./observability/logger.js";
export { createMetrics, type Metrics, observeBlockCache, type Reading } from "./observability/metrics.js";
export { printable, printableLines } from "./observability/printable.js";
export { redactAddress, redactText, stripCredentials } from "./observability/redact.js";
export { throttledLog } from "./observability/throttled-log.js";
export { type Span, startSpan, startTracing, traceparent, withSpan } from "./observability/tracing.js";
export { clusterAddress, sentinelOptions } from "./redis/address.js";
export {
  currentFault,
  onAvailabilityChange,
  RedisNotReady,
  readyWithin,
  unavailableReason,
  untilReady,
} from "./redis/availability.js";
export {
  type ConnectOptions,
  connectRedis,
  type RedisConnection,
  type RedisPurpose,
  retryDelayMs,
} from "./redis/connect.js";
export { masterOf } from "./redis/connect-cluster.js";
export { corkWrites } from "./redis/cork-writes.js";
export { describeFault, faultFromError, type RedisFault } from "./redis/faults.js";
export { reportRedisHealth } from "./redis/health.js";
export { measureRedisLatency } from "./redis/latency.js";
export {
  onMessage,
  onReconnect,
  publish,
  subscribe,
  unsubscribe,
  untilResubscribed,
  untilSubscribed,
} from "./redis/pubsub.js";
export { type PubSubProbe, type PubSubProbeOptions, startPubSubProbe } from "./redis/pubsub-probe.js";
export { defineScripts, type Script } from "./redis/scripts.js";
export { redisTime } from "./redis/time.js";
export { interval } from "./time/interval.js";
export { type RedisClock, startRedisClock } from "./time/redis-clock.js";
export { version } from "./version.js";
