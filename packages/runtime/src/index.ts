export { clientAddress, type TrustedProxies, trustedProxies } from "./http/client-address.js";
export { ignoreUpgrade } from "./http/ignore-upgrade.js";
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
export {
  type GuardRefusal,
  type GuardSettings,
  guardedHeaders,
  guardedRequest,
  isLoopback,
  RequestGuard,
  securityHeaders,
} from "./http/request-guard.js";
export { startStatusServer } from "./http/status-server.js";
export {
  createHttpServer,
  type HttpTimeouts,
  httpTimeouts,
  lingeringClose,
  respondAndClose,
} from "./http/timeouts.js";
export { ConfigError, readConfig, StartupError } from "./node/config.js";
export { createHealth, type Health } from "./node/health.js";
export { aliveSince, heartbeatTtlS, missedHeartbeatMs, startHeartbeat } from "./node/heartbeat.js";
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
export { createShutdown } from "./node/shutdown.js";
export { runMain, type ServiceNode, startNode } from "./node/start-node.js";
export { LatencyHistogram } from "./observability/latency-histogram.js";
export { createLogger, type Logger, type LogLevel } from "./observability/logger.js";
export {
  type CountCommand,
  createCommandCounter,
  createMetrics,
  type Metrics,
  observeBlockCache,
  type Reading,
} from "./observability/metrics.js";
export { printable, printableLines, redactAddress, redactText, stripCredentials } from "./observability/safe-text.js";
export { throttledLog } from "./observability/throttled-log.js";
export { type Span, startSpan, startTracing, traceparent, withSpan } from "./observability/tracing.js";
export { clusterAddress, sentinelOptions } from "./redis/address.js";
export { onUsableAgain, RedisNotReady, readyWithin, reportRedisHealth, untilReady } from "./redis/availability.js";
export { connectRedis } from "./redis/connect.js";
export { corkWrites, masterOf, type RedisConnection, type RedisPurpose, redisTime } from "./redis/connection.js";
export { measureRedisLatency } from "./redis/latency.js";
export {
  AsciiPublish,
  onMessage,
  onReconnect,
  publish,
  publishHead,
  subscribe,
  unsubscribe,
  untilResubscribed,
  untilSubscribed,
} from "./redis/pubsub.js";
export { type PubSubProbe, reportPubSubHealth, startPubSubProbe } from "./redis/pubsub-probe.js";
export { defineScripts, type Script } from "./redis/scripts.js";
export { RedisUnavailable } from "./redis/timeouts.js";
export { type RedisClock, startRedisClock } from "./time/redis-clock.js";
export { type BackoffLimits, backoffMs, interval } from "./time/timers.js";
export { version } from "./version.js";
