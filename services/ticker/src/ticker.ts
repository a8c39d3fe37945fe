import { Intake, startBalance } from "@tapedeck/leases";
import type { Logger, Metrics, Probe, RedisClock, RedisConnection } from "@tapedeck/runtime";
import {
  type Deck,
  type Keys,
  type LeaseJob,
  needsTicker,
  type SessionRecord,
  type SessionStore,
} from "@tapedeck/sessions";
import { DamageReports, type TapeCatalog } from "@tapedeck/tape";
import pLimit from "p-limit";
import type { LeaseEnd, SessionLease } from "./lease.js";
import { createTickerMetrics, type TickerMetrics } from "./metrics.js";
import { Renderer } from "./renderer.js";
import { Run } from "./run.js";
import { listenForStates } from "./states.js";

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
  readonly probe: Pick<Probe, "heardWithin">;
  readonly store: Pick<SessionStore, "read">;
  readonly deck: Pick<Deck, "perform">;
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly queues: readonly string[];
  readonly capacity: number;
  readonly parkAfterMs: number;
  readonly balanceEveryMs?: number;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Sessions handed over at a time. Each is rendered until its turn, so that none of a thousand waits for all the others. */
const handOversAtOnce = 32;
const balanceEveryMs = 1000;

/** Takes leases and renders their sessions until it is closed. */
export class Ticker {
  readonly metrics: TickerMetrics;
  readonly #options: TickerOptions;
  readonly #renderer: Renderer;
  readonly #intake: Intake<LeaseJob>;
  readonly #runs = new Map<string, Run>();
  readonly #damage = new DamageReports();
  readonly #handOvers = pLimit(handOversAtOnce);
  readonly #stops: (() => void)[] = [];

  private constructor(options: TickerOptions) {
    const { node, keys, connections, clock, probe, deck, log, metrics } = options;
    this.#options = options;
    this.metrics = createTickerMetrics(metrics, { leases: () => this.leases, capacity: options.capacity });
    this.#renderer = new Renderer({
      publisher: connections.publisher,
      clock,
      probe,
      metrics: this.metrics,
      graceMs: options.parkAfterMs,
    });
    this.#intake = new Intake({
      connection: connections.bullmq,
      queues: options.queues,
      prefix: keys.bullPrefix,
      node,
      capacity: options.capacity,
      take: (lease) => this.#take(lease),
      poisonous: async ({ sessionId }) => void (await deck.perform(sessionId, { type: "pause" })),
      log,
    });
  }

  /** Resolves when it hears states and its workers take leases. */
  static async start(options: TickerOptions): Promise<Ticker> {
    const ticker = new Ticker(options);
    await ticker.#start();
    return ticker;
  }

  get leases(): number {
    return this.#runs.size;
  }

  /** Takes no more leases. */
  stopTaking(): void {
    this.#intake.stop();
  }

  /** Gives every lease back, each with its published seq written, and ends. */
  async close(deadlineMs: number): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    await this.#intake.close(deadlineMs);
    this.#renderer.stop();
  }

  async #start(): Promise<void> {
    const { keys, node, connections, clock, log } = this.#options;
    const channel = keys.tickerChannel(node);
    await listenForStates(
      connections.subscriber,
      channel,
      {
        state: (record, trace) => this.#hear(record, trace),
        gone: (sessionId) => this.#runs.get(sessionId)?.gone(),
        missed: () => this.#each((run) => run.changed()),
      },
      log,
    );
    this.#stops.push(
      clock.onJump((byMs) => {
        this.#renderer.reschedule();
        this.#each((run) => run.jumped(byMs));
      }),
      startBalance({
        redis: connections.commands,
        keys,
        node,
        role: "ticker",
        leases: this.#intake,
        now: () => clock.now(),
        everyMs: this.#options.balanceEveryMs ?? balanceEveryMs,
        log,
      }),
    );
    await this.#intake.start();
  }

  async #take(lease: SessionLease): Promise<LeaseEnd> {
    const { sessionId } = lease.job;
    for (let before = this.#runs.get(sessionId); before; before = this.#runs.get(sessionId)) {
      before.end("claimed elsewhere"); // by this very ticker, with a newer job
      await before.over;
      if (this.#runs.get(sessionId) === before) this.#runs.delete(sessionId);
    }
    const { node, keys, deck, store, tapes, clock, log } = this.#options;
    const run = new Run(lease, {
      node,
      keys,
      deck,
      store,
      tapes,
      clock,
      renderer: this.#renderer,
      handOver: this.#handOvers,
      metrics: this.metrics,
      damage: this.#damage,
      log,
    });
    this.#runs.set(sessionId, run);
    try {
      return await run.over;
    } finally {
      if (this.#runs.get(sessionId) === run) this.#runs.delete(sessionId);
    }
  }

  #hear(record: SessionRecord, trace: string | undefined): void {
    const run = this.#runs.get(record.id);
    if (run !== undefined) {
      run.hear(record, trace);
    } else if (needsTicker(record) && record.ticker === this.#options.node) {
      // The hash says that this ticker renders it, but the lease has ended meanwhile: let another have it at once.
      const { node, deck, log } = this.#options;
      deck
        .perform(record.id, { type: "release", node, publishedSeq: record.publishedSeq })
        .catch((error: unknown) => log.debug({ err: error, session: record.id }, "stray claim left to upkeep"));
    }
  }

  #each(visit: (run: Run) => void): void {
    for (const run of this.#runs.values()) visit(run);
  }
}
