import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, startCluster } from "@tapedeck/cli";
import { keysWith } from "@tapedeck/sessions";
import { Tapes } from "../../support/tapes.js";
import { describe, rules } from "../oracle/check.js";
import type { History, Violation } from "../oracle/history.js";
import { observe } from "../oracle/observations.js";
import { choose, type Fault, processFaults, untilAllReady } from "./faults.js";
import { Random } from "./random.js";
import { now } from "./recorder.js";
import { type Incident, Report } from "./report.js";
import { ChaosSession } from "./session.js";
import { TapeReader } from "./tape-reader.js";
import { startTopology, type TopologyName } from "./topology.js";
import { characterOf } from "./users.js";

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly topology: TopologyName;
  /** Sessions at a time, each with one to three viewers. */
  readonly sessions: number;
  /** How long a session lives, in seconds, at most: its history is checked when it ends, and forgotten. */
  readonly lifeS?: number;
  /** A folder with tapes; by default they are imported for the run. */
  readonly store?: string;
  readonly tell?: (line: string) => void;
}

/** Processes of each kind. */
const counts = { gateways: 2, apis: 2, tickers: 2, feeds: 2 } as const;
/** After the last fault has ended, until the next one. */
const peaceMs = { least: 1_500, most: 5_000 } as const;
/** Texts of frames that are kept once for all sessions. */
const maxTexts = 20_000;
/** Violations that are reported; more of them say nothing new. */
const maxViolations = 50;

/** Plays sessions of all kinds on a real cluster while faults strike it, and has the oracle check every history. */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-chaos-"));
  const topology = await startTopology(options.topology);
  try {
    const tapes = new Tapes(options.store ?? join(folder, "tapes"));
    for (const name of ["primary", "slow"] as const) await tapes.recorded(name);
    const prefix = `chaos-${randomBytes(4).toString("hex")}`;
    const cluster = await startCluster({
      ...counts,
      port: 0,
      redisUrl: topology.redisUrl,
      prefix,
      store: tapes.folder,
      folder,
      env: {
        all: { DEFAULT_TAPE: "primary", LOG_LEVEL: process.env.LOG_LEVEL ?? "warn", SIMULATION_WARM_UP: "off" },
        gateway: { UNREADY_MS: "100", DRAIN_MS: "1000" },
      },
      tell: (sentence) => appendFileSync(join(folder, "messages.log"), `${sentence}\n`),
    });
    const reader = new TapeReader({ redisUrl: topology.redisUrl, keys: keysWith(prefix), folder: tapes.folder });
    try {
      return await new Run(cluster, [...processFaults(cluster), ...topology.faults], reader, options).run();
    } finally {
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

class Run {
  readonly #cluster: Cluster;
  readonly #faults: readonly Fault[];
  readonly #reader: TapeReader;
  readonly #options: ChaosOptions;
  readonly #random: Random;
  readonly #report = new Report();
  readonly #active = new Set<ChaosSession>();
  /** Those that a session which plays now may have noticed. */
  #incidents: Incident[] = [];
  #texts = new Map<string, string>();
  #characters = 0;
  #failed: unknown;

  constructor(cluster: Cluster, faults: readonly Fault[], reader: TapeReader, options: ChaosOptions) {
    this.#cluster = cluster;
    this.#faults = faults;
    this.#reader = reader;
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<Report> {
    const { minutes, sessions } = this.#options;
    const until = now() + minutes * 60_000;
    const users = Array.from({ length: sessions }, (_, nth) => this.#user(nth, until, this.#random.fork()));
    await Promise.all([this.#strike(until, this.#random.fork()), ...users]);
    if (this.#failed !== undefined) throw this.#failed;
    return this.#report;
  }

  /** One fault after the other, sometimes two at once. */
  async #strike(until: number, random: Random): Promise<void> {
    await sleep(8_000); // sessions begin in peace
    while (now() < until - 5_000) {
      const chosen = [choose(this.#faults, random), ...(random.chance(0.15) ? [choose(this.#faults, random)] : [])];
      const names = [...new Set(chosen.map(({ name }) => name))];
      const from = now();
      // From now on, since sessions may end meanwhile.
      const incidents = names.map((name): Incident => ({ name, from, to: Number.POSITIVE_INFINITY }));
      this.#incidents.push(...incidents);
      for (const { name, losesWrites } of chosen) {
        for (const { recorder } of this.#active) recorder.record({ kind: "fault", name, losesWrites });
      }
      try {
        await Promise.all(chosen.map((fault) => fault.run(random)));
        await untilAllReady(this.#cluster);
      } catch (error) {
        this.#failed ??= error;
        return;
      }
      const to = now();
      for (const incident of incidents) {
        incident.to = to;
        this.#report.count(incident.name);
      }
      this.#options.tell?.(`${names.join(" and ")}: ${Math.round(to - from)} ms until all serve`);
      await sleep(random.between(peaceMs.least, peaceMs.most));
    }
  }

  /** One session after the other. */
  async #user(nth: number, until: number, random: Random): Promise<void> {
    const { lifeS = 120 } = this.#options;
    await sleep(nth * 150); // not all at once
    while (now() < until - 10_000) {
      const began = now();
      const session = await ChaosSession.start(
        { gateways: () => this.#urls(this.#cluster.gateways), apis: () => this.#urls(this.#cluster.apis) },
        characterOf(this.#characters++, random),
        random.fork(),
        this.#texts,
      );
      this.#active.add(session);
      await session.live(Math.min(until, now() + random.between(lifeS / 3, lifeS) * 1000));
      const stuck = await session.stuck();
      this.#active.delete(session);
      await session.close();
      const { history } = session.recorder;
      if (stuck !== undefined) this.#stuck(session, stuck);
      await this.#check(
        history,
        session,
        this.#incidents.filter(({ to }) => to >= began),
      );
      await session.delete();
      this.#forget();
    }
  }

  #urls(services: Cluster["gateways"]): string[] {
    return services.filter(({ ready }) => ready).map(({ url }) => url);
  }

  #stuck({ id, character }: ChaosSession, why: string): void {
    this.#report.stuck.push(`${character.name} ${id}: ${why}`);
    this.#options.tell?.(`STUCK ${character.name} ${id}: ${why}`);
  }

  /** Rule by rule, since the viewers of other sessions live in this process too. */
  async #check(history: History, { character }: ChaosSession, incidents: readonly Incident[]): Promise<void> {
    const observed = observe(history);
    const tapes = await this.#reader.tapesOf(observed);
    const found: Violation[] = [];
    for (const rule of rules) {
      found.push(...rule(observed, tapes));
      await new Promise(setImmediate);
    }
    for (const violation of found.sort((a, b) => a.at - b.at).slice(0, 3)) {
      const cause = incidents.findLast(({ from }) => from <= violation.at)?.name ?? "no fault";
      this.#options.tell?.(`VIOLATION in ${character.name}, after ${cause}: ${describe(violation)}`);
    }
    this.#report.violations.push(...found.slice(0, Math.max(0, maxViolations - this.#report.violations.length)));
    if (found.length > 0 && process.env.TAPEDECK_CHAOS_HISTORIES)
      this.#keep(history, process.env.TAPEDECK_CHAOS_HISTORIES);
    this.#report.add(observed, tapes, incidents);
  }

  /** For a look at it, or for a test of its own. */
  #keep(history: History, folder: string): void {
    const lines = history.events.map((event) => JSON.stringify(event));
    appendFileSync(join(folder, `${history.session}.jsonl`), `${lines.join("\n")}\n`);
  }

  /** What no session that plays now can refer to. */
  #forget(): void {
    const oldest = Math.min(now(), ...[...this.#active].map(({ recorder }) => recorder.events[0]?.at ?? now()));
    this.#incidents = this.#incidents.filter(({ to }) => to >= oldest);
    if (this.#texts.size > maxTexts) this.#texts.clear();
  }
}
