import { LeasePool, startBalance } from "@tapedeck/leases";
import {
  interval,
  type Logger,
  type Metrics,
  type PubSubProbe,
  publish,
  type RedisClock,
  type RedisConnection,
} from "@tapedeck/runtime";
import {
  type Keys,
  needsTicker,
  type SessionRecord,
  type SessionService,
  type SessionStore,
  type TickerJob,
} from "@tapedeck/sessions";
import { DamageReports, type TapeCatalog } from "@tapedeck/tape";
import pLimit from "p-limit";
import type { LeaseEnd, SessionLease } from "./lease.js";
import { createTickerMetrics, type TickerMetrics } from "./metrics.js";
import { SessionLeaseRunner } from "./runner.js";
import { PublishScheduler } from "./scheduler.js";
import { subscribeToStates } from "./state-subscription.js";

export interface TickerOptions {
  readonly node: string;
  readonly keys: Keys;
  readonly connections: {
    readonly commands: RedisConnection;
    readonly publisher: RedisConnection;
    readonly subscriber: RedisConnection;
    readonly bullmq: RedisConnection;
  };
  readonly clock: RedisClock;
  readonly probe: Pick<PubSubProbe, "receivedWithin">;
  readonly store: Pick<SessionStore, "read">;
  readonly sessions: Pick<SessionService, "perform">;
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly queues: readonly string[];
  readonly capacity: number;
  readonly parkAfterMs: number;
  readonly balanceEveryMs?: number;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/**
 * Sessions handed over at the same time. Each is rendered until its turn, and then waits for those in progress and for the ticker that takes
 * it: of some hundreds, 32 at a time stood still for two to four times as long as 4 at a time. But 4 hand over 250 a second, 32 about 700, and
 * a ticker that shuts down with thousands has only seconds.
 */
const handOversAtOnce = { min: 4, max: 32, leasesForEach: 75 } as const;
const balanceEveryMs = 1000;
/** Gateways render the sessions of a ticker that has missed two beats. */
const beatEveryMs = 100;

/** Takes leases and renders their sessions until it is closed. */
export class Ticker {
  readonly metrics: TickerMetrics;
  readonly #options: TickerOptions;
  readonly #scheduler: PublishScheduler;
  readonly #leasePool: LeasePool<TickerJob>;
  readonly #runners = new Map<string, SessionLeaseRunner>();
  readonly #damage = new DamageReports();
  readonly #handOvers = pLimit(handOversAtOnce.min);
  readonly #stops: (() => void)[] = [];

  private constructor(options: TickerOptions) {
    const { node, keys, connections, clock, probe, sessions, log, metrics } = options;
    this.#options = options;
    this.metrics = createTickerMetrics(metrics, { leases: () => this.leases, capacity: options.capacity });
    this.#scheduler = new PublishScheduler({
      publisher: connections.publisher,
      clock,
      probe,
      metrics: this.metrics,
      graceMs: options.parkAfterMs,
    });
    this.#leasePool = new LeasePool({
      connection: connections.bullmq,
      queues: options.queues,
      prefix: keys.bullPrefix,
      node,
      capacity: options.capacity,
      run: (lease) => this.#take(lease),
      onCrashLoop: async ({ sessionId }) => void (await sessions.perform(sessionId, { type: "pause" })),
      log,
    });
  }

  /** Resolves when it is subscribed to states and takes leases. */
  static async start(options: TickerOptions): Promise<Ticker> {
    const ticker = new Ticker(options);
    await ticker.#start();
    return ticker;
  }

  get leases(): number {
    return this.#runners.size;
  }

  /** Stops taking leases. */
  stopTaking(): void {
    this.#leasePool.stop();
  }

  /** Hands every lease back, each with its published seq written, and stops. */
  async close(deadlineMs: number): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    const { min, max, leasesForEach } = handOversAtOnce;
    this.#handOvers.concurrency = Math.max(min, Math.min(max, Math.ceil(this.leases / leasesForEach)));
    await this.#leasePool.close(deadlineMs);
    this.#scheduler.stop();
  }

  async #start(): Promise<void> {
    const { keys, node, connections, clock, log } = this.#options;
    const channel = keys.tickerChannel(node);
    await subscribeToStates(
      connections.subscriber,
      channel,
      {
        state: (record, trace) => this.#onState(record, trace),
        gone: (sessionId) => this.#runners.get(sessionId)?.gone(),
        missed: () => this.#each((runner) => runner.changed()),
      },
      log,
    );
    // On the connection of the frames, behind them: it says that frames come through.
    const beat = () => void publish(connections.publisher, keys.tickerBeats, node).catch(() => {}); // Redis is away
    this.#stops.push(
      interval(beat, beatEveryMs),
      clock.onJump((byMs) => {
        this.#scheduler.reschedule();
        this.#each((runner) => runner.clockJumped(byMs));
      }),
      startBalance({
        redis: connections.commands,
        keys,
        node,
        role: "ticker",
        leases: this.#leasePool,
        now: () => clock.now(),
        everyMs: this.#options.balanceEveryMs ?? balanceEveryMs,
        log,
      }),
    );
    await this.#leasePool.start();
  }

  async #take(lease: SessionLease): Promise<LeaseEnd> {
    const { sessionId } = lease.job;
    for (let before = this.#runners.get(sessionId); before; before = this.#runners.get(sessionId)) {
      before.end("claimed elsewhere"); // by this same ticker, with a newer job
      await before.done;
      if (this.#runners.get(sessionId) === before) this.#runners.delete(sessionId);
    }
    const { node, keys, sessions, store, tapes, clock, log } = this.#options;
    const runner = new SessionLeaseRunner(lease, {
      node,
      keys,
      sessions,
      store,
      tapes,
      clock,
      scheduler: this.#scheduler,
      limitHandOver: this.#handOvers,
      metrics: this.metrics,
      damage: this.#damage,
      log,
    });
    this.#runners.set(sessionId, runner);
    try {
      return await runner.done;
    } finally {
      if (this.#runners.get(sessionId) === runner) this.#runners.delete(sessionId);
    }
  }

  #onState(record: SessionRecord, trace: string | undefined): void {
    const runner = this.#runners.get(record.id);
    if (runner !== undefined) {
      runner.onState(record, trace);
    } else if (needsTicker(record) && record.ticker === this.#options.node) {
      // The hash names this ticker, but its lease has ended: release the session, so that another ticker takes it at once.
      const { node, sessions, log } = this.#options;
      sessions
        .perform(record.id, { type: "release", node, epoch: record.epoch, publishedSeq: record.publishedSeq })
        .catch((error: unknown) =>
          log.debug({ err: error, session: record.id }, "stale claim not released; maintenance will repair it"),
        );
    }
  }

  #each(visit: (runner: SessionLeaseRunner) => void): void {
    for (const runner of this.#runners.values()) visit(runner);
  }
}
