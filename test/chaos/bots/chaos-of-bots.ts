import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, startCluster } from "@tapedeck/cli";
import { keysWith } from "@tapedeck/sessions";
import { FakeBitmex } from "../../support/exchange/bitmex.js";
import { ServingApis } from "../../support/serving-apis.js";
import { Tapes } from "../../support/tapes.js";
import { choose, type Fault, lineFaults, processFaults, untilAllReady } from "../run/faults.js";
import { Random } from "../run/random.js";
import { now } from "../run/recorder.js";
import { startTopology } from "../run/topology.js";
import { BotSession } from "./bot-session.js";
import { BotsReport } from "./bots-report.js";
import { planOf } from "./session-plans.js";
import { TruthReader } from "./truth.js";

export interface BotsOptions {
  readonly seed: number;
  /** From when most sessions have begun. */
  readonly minutes: number;
  /** Goes on until so many faults have struck, however slow the machine is. */
  readonly leastFaults?: number;
  /** Sessions at a time, each with a bot at its venue; every other one also with a program that uses the SDK. */
  readonly bots: number;
  /** From one action of a bot to the next, on average. */
  readonly everyS: number;
  /** How long a session lives at most, until it is checked. */
  readonly lifeS: number;
  /** Frames a second of each session, at most; by default as many as its tape has. Bots at a venue need none. */
  readonly maxFps?: number;
  /** Part of the names of the faults that strike; by default all do. */
  readonly faults?: string;
  /** Part of the names of the sessions that are played; by default all kinds are. */
  readonly sessions?: string;
  /** A folder with tapes; by default they are imported for the run. */
  readonly store?: string;
  readonly tell?: (line: string) => void;
}

/** From one new session to the next, while the run begins. */
const startEveryMs = 300;
/** The first fault waits until most sessions have begun, but no longer than this and the time from one to the next. */
const startsWithinMs = 60_000;
/** After a fault, when all clients are back. */
const peaceMs = { least: 1_000, most: 3_000 } as const;
/** Clients that need longer than this have not recovered by themselves; after the first time the run names one of those that are missing. */
const backWithinMs = 90_000;
const soonMs = 15_000;
const market = "XBTUSD";

/** Bots trade on sessions of all kinds on a real cluster while faults strike it; each session is stopped and checked at its end. */
export async function runBots(options: BotsOptions): Promise<BotsReport> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-bots-"));
  const prefix = `bots-${randomBytes(4).toString("hex")}`;
  const keys = keysWith(prefix);
  const topology = await startTopology("single", (id) => keys.session(id));
  const exchange = new FakeBitmex();
  await exchange.open();
  exchange.market(market).run();
  try {
    const tapes = new Tapes(options.store ?? join(folder, "tapes"));
    for (const name of ["primary", "slow"] as const) await tapes.recorded(name);
    const cluster = await startCluster({
      ...{ gateways: 2, apis: 2, tickers: 2, feeds: 2, venues: 2, port: 0 },
      ...{ redisUrl: topology.redisUrl, prefix, store: tapes.folder, folder },
      env: {
        all: {
          ...{ DEFAULT_TAPE: "primary", LOG_LEVEL: process.env.LOG_LEVEL ?? "warn", SIMULATION_WARM_UP: "off" },
          ...{ BITMEX_URL: exchange.url, LIVE_LINGER_S: "60", REQUEST_WEIGHT: "100000000" },
        },
        gateway: { UNREADY_MS: "100", DRAIN_MS: "5000" },
        venue: { UNREADY_MS: "100", DRAIN_MS: "3000" },
      },
      tell: (sentence) => appendFileSync(join(folder, "messages.log"), `${sentence}\n`),
    });
    const truth = new TruthReader({ redisUrl: topology.redisUrl, prefix, folder: tapes.folder });
    try {
      const cutable = [];
      for (const [nth, kind] of (["ticker", "gateway"] as const).entries()) {
        const line = topology.lines[nth];
        if (line === undefined) continue;
        const { name } = await cluster.add(kind, { REDIS_URL: line.redisUrl });
        cutable.push({ kind, name, line });
      }
      const faults = [
        ...processFaults(cluster, ["ticker", "gateway", "api", "feed", "venue"]),
        ...lineFaults(cluster, cutable),
        ...topology.faults,
      ];
      return await new BotsRun({ cluster, truth, faults }, options).run();
    } finally {
      truth.close();
      await cluster.stop();
      await cluster.kill();
    }
  } finally {
    await exchange.close();
    await topology.stop();
    if (process.env.TAPEDECK_KEEP_LOGS) options.tell?.(`logs are in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

interface RunParts {
  readonly cluster: Cluster;
  readonly truth: TruthReader;
  readonly faults: readonly Fault[];
}

class BotsRun {
  readonly #parts: RunParts;
  readonly #options: BotsOptions;
  readonly #random: Random;
  readonly #apis: ServingApis;
  readonly #report = new BotsReport();
  readonly #active = new Set<BotSession>();
  #plans = 0;
  /** When it ends, once that is known. */
  #until = Number.POSITIVE_INFINITY;
  #failed: unknown;

  constructor(parts: RunParts, options: BotsOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#apis = new ServingApis(parts.cluster, { requestMs: 20_000 });
  }

  async run(): Promise<BotsReport> {
    const users = Array.from({ length: this.#options.bots }, (_, nth) => this.#user(nth, this.#random.fork()));
    await Promise.all([this.#strike(this.#random.fork()), ...users]);
    if (this.#failed !== undefined) throw this.#failed;
    return this.#report;
  }

  /** One session after the other. */
  async #user(nth: number, random: Random): Promise<void> {
    const { lifeS, everyS, maxFps, sessions = "", tell } = this.#options;
    const { cluster, truth } = this.#parts;
    await sleep(nth * startEveryMs);
    while (now() < this.#until && this.#failed === undefined) {
      const plan = planOf(this.#plans++, random, market);
      if (!plan.name.includes(sessions)) continue;
      try {
        const everyMs = everyS * 1_000;
        const session = await BotSession.start({
          ...{ plan, cluster, truth, everyMs, maxFps },
          apis: this.#apis,
          random: random.fork(),
        });
        this.#active.add(session);
        const end = now() + random.between(lifeS / 3, lifeS) * 1_000;
        await session.live(() => Math.min(this.#until, end));
        this.#active.delete(session);
        const violations = await session.settle();
        for (const violation of violations) tell?.(`VIOLATION in ${plan.name}, ${violation}`);
        this.#report.add(session, violations);
        await session.end();
      } catch (error) {
        this.#failed ??= error;
        return;
      }
    }
  }

  /** One fault after the other, sometimes two at once; then until all clients are back. */
  async #strike(random: Random): Promise<void> {
    const all = [...this.#parts.faults, ...this.#clientFaults()];
    const faults = all.filter(({ name }) => name.toLowerCase().includes(this.#options.faults?.toLowerCase() ?? ""));
    const begun = now();
    const { bots, minutes, leastFaults = 0 } = this.#options;
    while (this.#active.size < 0.9 * bots && now() < begun + startsWithinMs + bots * startEveryMs) await sleep(200);
    try {
      await this.#untilBack(begun);
      const until = now() + minutes * 60_000;
      while ((now() < until || this.#report.faults < leastFaults) && this.#failed === undefined) {
        const first = choose(faults, random);
        const others = faults.filter(({ name }) => name !== first.name && !name.startsWith("Redis"));
        const chosen = others.length > 0 && random.chance(0.15) ? [first, choose(others, random)] : [first];
        const strikes = await Promise.all(chosen.map((fault) => fault.prepare(random, [])));
        const from = now();
        await Promise.all(strikes.map((strike) => strike.run()));
        await untilAllReady(this.#parts.cluster, 120_000);
        const name = chosen.map((fault) => fault.name).join(" and ");
        const backMs = await this.#untilBack(from);
        this.#report.struck(
          chosen.map((fault) => fault.name),
          backMs,
        );
        this.#options.tell?.(
          `${name}: all of ${this.#active.size} sessions' clients are back after ${Math.round(backMs)} ms`,
        );
        await sleep(random.between(peaceMs.least, peaceMs.most));
      }
    } catch (error) {
      this.#failed ??= error;
    }
    this.#until = now();
  }

  /** Milliseconds since `from`. */
  async #untilBack(from: number): Promise<number> {
    const clients = [...this.#active].flatMap((session) => session.bots.map((bot) => ({ session, bot })));
    const began = now();
    let isNamed = false;
    for (;;) {
      const away = clients.filter(({ session, bot }) => this.#active.has(session) && !bot.isBack);
      if (away.length === 0) return now() - from;
      const [first] = away;
      const named = `${first?.bot.name} of ${first?.session.plan.name} ${first?.session.id} (${first?.bot.problem})`;
      if (now() > began + soonMs && !isNamed)
        this.#options.tell?.(`${away.length} clients are not back yet, such as ${named}`);
      isNamed ||= now() > began + soonMs;
      if (now() > began + backWithinMs) {
        const violation = `[TR83] ${away.length} clients were not back after ${backWithinMs / 1_000} s, such as ${named}`;
        this.#options.tell?.(`VIOLATION: ${violation}`);
        this.#report.violations.push(violation);
        return now() - from;
      }
      await sleep(100);
    }
  }

  /** What happens to clients alone. */
  #clientFaults(): Fault[] {
    const fault = (name: string, hit: (session: BotSession, random: Random) => Promise<void>): Fault => ({
      ...{ name, weight: 3, losesWrites: false },
      prepare: async (random) => ({
        affects: () => false,
        run: async () => {
          const hits = [...this.#active].filter(() => random.chance(0.3)).map((session) => hit(session, random));
          await Promise.all(hits);
          return undefined;
        },
      }),
    });
    return [
      fault("clients cut", async ({ bots }) => {
        for (const bot of bots) bot.cut();
      }),
      fault("clients read slowly", async ({ bots }, random) => {
        await Promise.all(bots.map((bot) => bot.stall(random.between(500, 5_000))));
      }),
    ];
  }
}
