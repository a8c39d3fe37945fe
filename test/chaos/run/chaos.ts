import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, startCluster } from "@tapedeck/cli";
import { keysWith } from "@tapedeck/sessions";
import { Tapes } from "../../support/tapes.js";
import type { History } from "../oracle/history.js";
import { type Analysis, analyse as analyseHere } from "../report/analysis.js";
import { type Incident, Incidents } from "../report/incidents.js";
import { Load } from "../report/load.js";
import { keyOf, Report } from "../report/report.js";
import { Analyst } from "./analyst.js";
import { Checker, keep } from "./checker.js";
import { choose, type Fault, lineFaults, processFaults, untilAllReady, type Viewer } from "./faults.js";
import { Priorities } from "./priorities.js";
import { Random } from "./random.js";
import { now } from "./recorder.js";
import { type Addresses, ChaosSession } from "./session.js";
import { TapeReader } from "./tape-reader.js";
import { startTopology, type Topology, type TopologyName } from "./topology.js";
import { characterOf, steadyCharacter } from "./users.js";

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly topology: TopologyName;
  /** Sessions at a time. */
  readonly sessions: number;
  /** How many of them do all kinds of things, with one to three viewers each; the others are only watched. By default 24. */
  readonly mixed?: number;
  /** How long a mixed session lives, in seconds, at most: its history is checked when it ends, and forgotten. */
  readonly lifeS?: number;
  /** Part of the names of the faults that strike; by default all do. */
  readonly faults?: string;
  /** A folder with tapes; by default they are imported for the run. */
  readonly store?: string;
  readonly tell?: (line: string) => void;
  /** When the run begins, gets a function that makes the table so far. */
  readonly onTable?: (table: () => string) => void;
  /** Whether histories are checked in a process of its own. */
  readonly apart?: boolean;
}

/** Processes of each kind. */
const counts = { gateways: 2, apis: 2, tickers: 2, feeds: 2 } as const;
/** With three gateways the viewers of a dead one go to two others, and about half of a crowd is on each that dies. */
const crowd = { sessions: 100, gateways: 3 } as const;
/** After the last fault's own time, until the next one. */
const peaceMs = { least: 2_300, most: 3_800 } as const;
/** With hundreds of sessions two cores need longer to get over a fault, which has processes start, viewers return and leases change hands. */
const peaceWithManyMs = { least: 4_000, most: 8_000 } as const;
const many = 100;
/** From one new session to the next, while the run begins. */
const startEveryMs = 120;
/** A steady session plays at most this long: its tape has 8.5 minutes, and it begins in the first quarter. */
const steadyLifeS = 300;
/** Texts of frames that are kept once for all sessions. */
const maxTexts = 20_000;
/** Histories that may wait for their check, in memory. */
const mostUnchecked = 1_000;
const tableEveryMs = 600_000;
/** A fault that lasts longer is told with what it waits for. */
const slowMs = 30_000;

/** Plays sessions of all kinds on a real cluster while faults strike it, and has the oracle check every history. */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-chaos-"));
  const prefix = `chaos-${randomBytes(4).toString("hex")}`;
  const keys = keysWith(prefix);
  const topology = await startTopology(options.topology, (id) => keys.session(id));
  try {
    const tapes = new Tapes(options.store ?? join(folder, "tapes"));
    for (const name of ["primary", "slow"] as const) await tapes.recorded(name);
    const [tickerLine, gatewayLine] = topology.lines;
    const gateways = options.sessions < crowd.sessions ? counts.gateways : crowd.gateways;
    const cluster = await startCluster({
      ...counts,
      gateways: gateways - (gatewayLine ? 1 : 0),
      tickers: counts.tickers - (tickerLine ? 1 : 0),
      port: 0,
      redisUrl: topology.redisUrl,
      prefix,
      store: tapes.folder,
      folder,
      env: {
        all: { DEFAULT_TAPE: "primary", LOG_LEVEL: process.env.LOG_LEVEL ?? "warn", SIMULATION_WARM_UP: "off" },
        gateway: { UNREADY_MS: "100", DRAIN_MS: "5000" },
      },
      tell: (sentence) => appendFileSync(join(folder, "messages.log"), `${sentence}\n`),
    });
    const reader = new TapeReader({ redisUrl: topology.redisUrl, keys, folder: tapes.folder });
    const place = { redisUrl: topology.redisUrl, prefix, folder: tapes.folder };
    const analyst = options.apart ? new Analyst(place) : undefined;
    const priorities = options.apart ? new Priorities(cluster) : undefined;
    const analyse = (history: History) => analyst?.analyse(history) ?? analyseHere(history, reader);
    try {
      const cutable: Parameters<typeof lineFaults>[1][number][] = [];
      for (const [kind, line] of [["ticker", tickerLine] as const, ["gateway", gatewayLine] as const]) {
        if (line === undefined) continue;
        const { name } = await cluster.add(kind, { REDIS_URL: line.redisUrl });
        cutable.push({ kind, name, line });
      }
      const all = [...processFaults(cluster), ...lineFaults(cluster, cutable), ...topology.faults];
      const faults = all.filter(({ name }) => name.toLowerCase().includes(options.faults?.toLowerCase() ?? ""));
      if (faults.length === 0)
        throw new Error(`no fault is named ${options.faults}; there are ${all.map(({ name }) => name).join(", ")}`);
      const checks = analyst ? [analyst.pid] : [];
      const report = await new Run({ cluster, topology, faults, reader, analyse, checks }, options).run();
      if (priorities?.note) report.load.push(priorities.note);
      return report;
    } finally {
      priorities?.stop();
      analyst?.close();
      await reader.close();
      await cluster.stop();
      await cluster.kill();
    }
  } finally {
    await topology.stop();
    if (process.env.TAPEDECK_KEEP_LOGS) options.tell?.(`logs are in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

interface RunParts {
  readonly cluster: Cluster;
  readonly topology: Topology;
  readonly faults: readonly Fault[];
  readonly reader: TapeReader;
  readonly analyse: (history: History) => Promise<Analysis>;
  /** Processes that only check. */
  readonly checks: readonly number[];
}

const isOfRedis = (fault: string): boolean => fault.startsWith("Redis");

class Run {
  readonly #cluster: Cluster;
  readonly #faults: readonly Fault[];
  readonly #reader: TapeReader;
  readonly #options: ChaosOptions;
  readonly #random: Random;
  readonly #report = new Report();
  readonly #incidents = new Incidents();
  readonly #checker: Checker;
  readonly #load: Load;
  readonly #addresses: Addresses;
  readonly #active = new Set<ChaosSession>();
  #texts = new Map<string, string>();
  #characters = 0;
  #failed: unknown;

  constructor({ cluster, topology, faults, reader, analyse, checks }: RunParts, options: ChaosOptions) {
    this.#cluster = cluster;
    this.#faults = faults;
    this.#reader = reader;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#checker = new Checker({ analyse, report: this.#report, incidents: this.#incidents, tell: options.tell });
    const pids = (services: Cluster["gateways"]) => services.map(({ pid }) => pid);
    this.#load = new Load(() => ({
      gateways: pids(cluster.gateways),
      tickers: pids(cluster.tickers),
      apis: pids(cluster.apis),
      feeds: pids(cluster.feeds),
      Redis: topology.pids(),
      viewers: [process.pid],
      oracle: checks,
      proxies: topology.harnessPids,
    }));
    const lastUrls = new Map<string, string>();
    this.#addresses = {
      gateways: () =>
        cluster.gateways.map(({ name, ready, url }) => {
          if (ready) lastUrls.set(name, url);
          return { name, url: lastUrls.get(name) ?? "http://127.0.0.1:1" };
        }),
      apis: () => cluster.apis.filter(({ ready }) => ready).map(({ url }) => url),
    };
  }

  async run(): Promise<Report> {
    const { minutes, sessions, mixed = 24, onTable } = this.#options;
    const table = () => `${this.#report.table()}\n\n${this.#load.lines().join("\n")}`;
    onTable?.(table);
    const interim = setInterval(() => this.#options.tell?.(`so far:\n\n${table()}\n`), tableEveryMs);
    const until = now() + minutes * 60_000;
    const users = Array.from({ length: sessions }, (_, nth) =>
      this.#user(nth, nth >= mixed, until, this.#random.fork()),
    );
    try {
      await Promise.all([this.#strike(until, this.#random.fork()), ...users]);
      await this.#checker.done;
    } finally {
      clearInterval(interim);
      this.#load.stop();
    }
    if (this.#failed !== undefined) throw this.#failed;
    this.#report.load.push(...this.#load.lines());
    return this.#report;
  }

  /** One fault after the other, sometimes two at once. */
  async #strike(until: number, random: Random): Promise<void> {
    await sleep(8_000 + this.#options.sessions * startEveryMs); // sessions begin in peace
    this.#incidents.settle(now());
    const { least, most } = this.#options.sessions >= many ? peaceWithManyMs : peaceMs;
    await sleep(random.between(least, most));
    while (now() < until - 5_000) {
      const first = choose(this.#faults, random);
      // There is one Redis to restart or to freeze.
      const others = this.#faults.filter(
        ({ name }) => name !== first.name && !(isOfRedis(name) && isOfRedis(first.name)),
      );
      const chosen = others.length > 0 && random.chance(0.12) ? [first, choose(others, random)] : [first];
      try {
        await this.#strikeWith(chosen, random);
      } catch (error) {
        this.#failed ??= error;
        return;
      }
      await sleep(random.between(least, most));
    }
  }

  async #strikeWith(chosen: readonly Fault[], random: Random): Promise<void> {
    const viewers = await this.#viewers();
    this.#report.watching = viewers.length;
    const strikes = await Promise.all(chosen.map((fault) => fault.prepare(random, viewers)));
    const from = now();
    const incidents = chosen.map(({ name, targetMs }, nth): Incident => {
      const hit = viewers.filter((viewer) => strikes[nth]?.affects(viewer));
      const affected = new Set(hit.map(({ key }) => key));
      const recorded = new Set(hit.filter(({ mode }) => mode === "REPLAY").map(({ key }) => key));
      const alone = chosen.length === 1;
      return { name, targetMs, from, to: Number.POSITIVE_INFINITY, replacedAt: undefined, affected, recorded, alone };
    });
    this.#incidents.begin(incidents, from);
    for (const { name, losesWrites } of chosen) {
      for (const { recorder } of this.#active) recorder.record({ kind: "fault", name, losesWrites });
    }
    const slow = setTimeout(() => this.#tellWhatWaits(chosen), slowMs);
    try {
      await Promise.all(
        strikes.map(async (strike, nth) => {
          const replacedAt = await strike.run();
          const incident = incidents[nth];
          if (incident !== undefined) incident.replacedAt = replacedAt;
        }),
      );
      await untilAllReady(this.#cluster);
    } finally {
      clearTimeout(slow);
    }
    const to = now();
    this.#incidents.end(incidents, to);
    for (const incident of incidents) this.#report.count(incident);
    const what = incidents.map(({ name, affected }) => `${name} (${affected.size} of ${viewers.length} viewers)`);
    const { size } = this.#active;
    const rest = `${size} sessions play, ${this.#checker.waiting} wait for their check`;
    this.#options.tell?.(`${what.join(" and ")}: ${Math.round(to - from)} ms until all serve; ${rest}`);
  }

  #tellWhatWaits(faults: readonly Fault[]): void {
    const { gateways, apis, tickers, feeds } = this.#cluster;
    const away = [...gateways, ...apis, ...tickers, ...feeds].filter(({ ready }) => !ready);
    const names = faults.map(({ name }) => name).join(" and ");
    const waits = away.length > 0 ? away.map(({ name, pid }) => `${name} (pid ${pid})`).join(", ") : "none";
    this.#options.tell?.(`${names}: not over after ${slowMs / 1000} s; processes that do not serve: ${waits}`);
  }

  async #viewers(): Promise<Viewer[]> {
    const sessions = [...this.#active];
    const tickers = await this.#reader.tickersOf(sessions.map(({ id }) => id));
    return sessions.flatMap(({ id, clients }, nth) =>
      clients
        .filter(({ open }) => open)
        .map(({ name, gateway, view }) => {
          const { mode, speed = 1, maxFps = 0, tape } = view ?? {};
          const fps = (speed * 1000) / (tape?.startsWith("slow") ? 250 : 100);
          const ticker = tickers[nth] ?? "";
          const shownFps = maxFps > 0 ? Math.min(fps, maxFps) : fps;
          return { key: keyOf(id, name), session: id, mode, fps: shownFps, gateway, ticker };
        }),
    );
  }

  /** One session after the other. */
  async #user(nth: number, steady: boolean, until: number, random: Random): Promise<void> {
    const { lifeS = 120 } = this.#options;
    const longestS = steady ? steadyLifeS : lifeS;
    await sleep(nth * startEveryMs); // not all at once
    while (now() < until - 10_000) {
      const began = now();
      const character = steady ? steadyCharacter : characterOf(this.#characters++, random);
      const session = await ChaosSession.start(this.#addresses, character, random.fork(), this.#texts);
      this.#active.add(session);
      await session.live(Math.min(until, now() + random.between(longestS / 3, longestS) * 1000));
      const stuck = await session.stuck();
      this.#active.delete(session);
      session.close();
      if (stuck !== undefined) this.#stuck(session, stuck);
      // The next one begins meanwhile, unless the oracle is far behind.
      const checked = this.#checker.check(session, began).then(
        () => session.delete(), // not before: its orders are in Redis
        (error: unknown) => {
          this.#failed ??= error;
        },
      );
      if (this.#checker.waiting > mostUnchecked) await checked;
      this.#forget();
    }
  }

  #stuck({ id, character, recorder }: ChaosSession, why: string): void {
    keep(recorder.history);
    this.#report.stuck.push(`${character.name} ${id}: ${why}`);
    this.#options.tell?.(`STUCK ${character.name} ${id}: ${why}`);
  }

  /** What no session that plays or waits for its check can refer to. */
  #forget(): void {
    const oldest = [...this.#active].reduce(
      (least, { recorder }) => Math.min(least, recorder.events[0]?.at ?? least),
      now(),
    );
    this.#incidents.forget(Math.min(oldest, this.#checker.oldest));
    if (this.#texts.size > maxTexts) this.#texts.clear();
  }
}
