import { setTimeout as sleep } from "node:timers/promises";
import { subprotocol } from "@tapedeck/protocol";
import { expect } from "vitest";
import WebSocket from "ws";
import { z } from "zod";
import { LiveViewers } from "../../chaos/live-viewers.js";
import { type TestCluster, testOnCluster } from "../../support/cluster.js";
import { headersOf, signIn } from "../../support/sign-in.js";
import { now } from "../../support/viewer.js";
import { Bystanders } from "../bystanders.js";

const attackMs = 7_000;

const test = testOnCluster(() => ({
  feeds: 1,
  env: {
    all: {
      ...signIn,
      MAX_INSTRUMENTS_PER_USER: "3",
      MAX_SESSIONS_PER_USER: "40",
      MAX_SOCKETS_PER_USER: "20",
      LIMIT_READS: "50/10",
    },
    // Few places, so that one user could take all of them, also by holding them during the whole attack.
    feed: { FEED_INSTRUMENTS: "6", LIVE_KEEP_S: "60" },
  },
}));

const cyclers = ["cycler-1", "cycler-2"] as const;
const hoarders = ["a", "b", "c", "d", "e", "f"].map((name) => `hoarder-${name}`);

/** A user who takes as much of the shared resources as the cluster allows. */
class Attacker {
  /** Number of answers, by request and outcome. */
  readonly answers = new Map<string, number>();
  readonly #cluster: TestCluster;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #sockets = new Set<WebSocket>();
  #next = 0;

  constructor(cluster: TestCluster, headers: Readonly<Record<string, string>>) {
    this.#cluster = cluster;
    this.#headers = headers;
  }

  /** Runs all attacks at once for this long. */
  async attack(ms: number): Promise<void> {
    const end = performance.now() + ms;
    const meanwhile = async (act: () => Promise<unknown>): Promise<void> => {
      while (performance.now() < end) {
        await act();
        await sleep(15); // leaves time to the measured users, who run in this process too
      }
    };
    for (const name of [...cyclers, ...hoarders]) await this.#live(name, name.toUpperCase());
    await Promise.all([
      ...cyclers.map((name) => meanwhile(() => this.#live(name, `CYCLER${this.#next++}`))),
      meanwhile(() => this.#post("session", "/sessions/create", {})),
      meanwhile(() => this.#ask("read", "/features", {})),
      meanwhile(() => this.#open(hoarders[this.#next % hoarders.length] ?? "")),
    ]);
    for (const socket of this.#sockets) socket.terminate();
  }

  async #live(session_id: string, symbol: string): Promise<void> {
    const body = { session_id, mode: "LIVE", source: "SIM", symbol };
    if ((await this.#post("instrument", `/mode/${session_id}`, body)) === 404) {
      await this.#post("instrument", "/sessions/create", body);
    }
  }

  #post(what: string, path: string, body: object): Promise<number> {
    return this.#ask(what, path, { method: "POST", body: JSON.stringify(body) });
  }

  async #ask(what: string, path: string, request: RequestInit): Promise<number> {
    const { apis } = this.#cluster;
    const url = apis[this.#next++ % apis.length]?.url;
    const answer = await fetch(`${url}${path}`, { ...request, headers: this.#headers });
    await answer.arrayBuffer();
    this.#count(`${what} ${answer.status}`);
    return answer.status;
  }

  /** Opens a socket and keeps it, if it is accepted. */
  async #open(session: string): Promise<void> {
    const { gateways } = this.#cluster;
    const url = gateways[this.#next++ % gateways.length]?.url.replace("http", "ws");
    const socket = new WebSocket(`${url}/ws/${session}`, subprotocol, { headers: this.#headers });
    this.#sockets.add(socket);
    const ended = await new Promise<string>((resolve) => {
      socket.once("message", () => resolve("open"));
      socket.once("close", (code) => resolve(String(code)));
      socket.once("error", () => resolve("error"));
    });
    this.#count(`socket ${ended}`);
  }

  #count(what: string): void {
    this.answers.set(what, (this.answers.get(what) ?? 0) + 1);
  }
}

const listed = z.looseObject({ tapes: z.array(z.looseObject({ id: z.string() })) });

test("[AC20] a user who exhausts shared quotas does not interrupt other viewers or block new instruments", async ({
  cluster,
}) => {
  const [mallory, nina, linus] = await Promise.all(["mallory", "nina", "linus"].map((user) => headersOf(user)));
  const bystanders = await Bystanders.gather(cluster, 20);
  const live = await LiveViewers.start(cluster, "SIM", "BTCUSDT", linus);
  const attacker = new Attacker(cluster, mallory ?? {});
  const newcomer = cluster.http.as(nina ?? {});
  const since = now();

  /** Measures repeatedly how long a user waits for the first frames of an unwatched instrument. */
  const newInstruments = async (): Promise<number[]> => {
    const waits: number[] = [];
    while (now() - since < attackMs) {
      await sleep(500); // the attack has reached its quotas
      const asked = performance.now();
      const symbol = `NEW${waits.length}`;
      const { session_id } = await newcomer.create({ mode: "LIVE", source: "SIM", symbol });
      const viewer = await cluster.watch(session_id, { headers: nina ?? {} });
      await viewer.next(3, 60_000);
      waits.push(Math.round(performance.now() - asked));
      await viewer.close();
      await newcomer.delete(session_id);
    }
    return waits;
  };
  const waits = await bystanders.during("on shared pools", async () => {
    const [made] = await Promise.all([newInstruments(), attacker.attack(attackMs)]);
    return made;
  });
  const answers = Object.fromEntries([...attacker.answers].sort());
  cluster.note(`attack on shared pools: new instruments after ${waits.join(", ")} ms; ${JSON.stringify(answers)}`);

  expect(Math.max(...waits)).toBeLessThan(5_000);
  expect((await live.check(since)).flat()).toEqual([]);
  // Every quota was reached: a weaker attack would prove nothing.
  for (const met of ["instrument 429", "session 429", "read 429", "socket 4429"]) expect(answers).toHaveProperty(met);
  expect(answers["instrument 200"]).toBeGreaterThan(50);

  const ofAttacker = async () =>
    listed.parse((await newcomer.get("/tapes")).body).tapes.filter(({ id }) => /CYCLER|HOARDER/.test(id));
  // The attack stops: the demand of its sessions ends with them.
  for (const name of [...cyclers, ...hoarders])
    await cluster.http.as(mallory ?? {}).call("DELETE", `/sessions/${name}`);
  await expect.poll(ofAttacker, { interval: 500, timeout: 20_000 }).toEqual([]);
  await live.stop();
  await bystanders.leave();
});
