export { clientAddress, type ProxyTrust, proxyTrust } from "./addresses.js";
export { type RedisClock, startRedisClock } from "./clock.js";
export { type CountCommand, countCommands } from "./command-counts.js";
export { ConfigError, readConfig } from "./config.js";
export { commonEnv, flag, list, millis, port, seconds, simulationWarmUp, statusPort, whole } from "./env.js";
export { type Condition, createHealth, type Health, type HealthSnapshot } from "./health.js";
export { type HeartbeatOptions, heartbeatTtlS, startHeartbeat } from "./heartbeat.js";
export { closeSoon, endForGood, type HttpLimits, httpLimits, keepToLimits, limitedBy } from "./http-limits.js";
export { interval } from "./interval.js";
export {
  isModelTest,
  legacyFingerprint,
  legacyNote,
  legacyNoteMs,
  notedMarks,
  notedSessions,
  pageMark,
  pageNote,
  unmarked,
} from "./legacy-fingerprint.js";
export { createLogger, type Logger, type LoggerOptions, type LogLevel } from "./logger.js";
export { isLoopback } from "./loopback.js";
export { createMetrics, type Metrics, type Reading, showBlockCache } from "./metrics.js";
export { inOneWrite } from "./one-write.js";
export { withoutCredentials, withoutPassword, withoutPasswords } from "./passwords.js";
export { printable, printableLines } from "./printable.js";
export { type Probe, type ProbeOptions, startProbe } from "./probe.js";
export { onMessage, onReconnect, publish, resubscribed, subscribe, unsubscribe, untilSubscribed } from "./pubsub.js";
export { announceReady, endWithParent } from "./ready.js";
export {
  type ConnectOptions,
  connectRedis,
  type RedisConnection,
  type RedisPurpose,
  retryDelayMs,
} from "./redis.js";
export { clusterAddress, sentinelOptions } from "./redis-address.js";
export { masterOf } from "./redis-cluster.js";
export { watchRedis } from "./redis-health.js";
export { onStateChange, RedisUnusable, troubleWith, untilReady, usableWithin, whyAway } from "./redis-state.js";
export { type RedisTrouble, sentenceOf, troubleOf } from "./redis-trouble.js";
export {
  dataHeaders,
  type GuardedHeader,
  type GuardedRequest,
  type GuardRefusal,
  type GuardSettings,
  guarded,
  guardedHeaders,
  RequestGuard,
} from "./request-guard.js";
export { defineScripts, type Script } from "./scripts.js";
export { createShutdown, type Shutdown, type ShutdownOptions } from "./shutdown.js";
export { sparing } from "./sparing-log.js";
export { startStatusServer } from "./status-server.js";
export { latencyBounds, Tally } from "./tally.js";
export { redisTime } from "./time.js";
export { beginSpan, type Span, startTracing, traced, traceparent } from "./tracing.js";
export { version } from "./version.js";
export { watchLatency } from "./watch-latency.js";
