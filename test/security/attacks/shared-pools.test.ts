import { setTimeout as sleep } from "node:timers/promises";
import { subprotocol } from "@tapedeck/protocol";
import { expect } from "vitest";
import WebSocket from "ws";
import { z } from "zod";
import { Watchers } from "../../chaos/watchers.js";
import { type TestCluster, testOnCluster } from "../../support/cluster.js";
import { now } from "../../support/viewer.js";
import "../../support/expect.js";

/** Places for live instruments in the whole cluster, few so that an attack can take them. */
const instruments = 6;
const attackMs = 10_000;

const test = testOnCluster(() => ({
  feeds: 1,
  env: {
    all: {
      TRUSTED_PROXIES: "127.0.0.1",
      MAX_INSTRUMENTS_PER_USER: "3",
      MAX_SESSIONS_PER_ADDRESS: "40",
      MAX_SOCKETS_PER_ADDRESS: "20",
      LIMIT_READS: "200/10",
    },
    // What it keeps for the whole of the attack is not kept afterwards either.
    feed: { FEED_INSTRUMENTS: String(instruments), LIVE_KEEP_S: "60" },
  },
}));

/** One user at an address of its own, who takes as much as the cluster gives. */
class Attacker {
  /** Answers by what was asked and how that ended. */
  readonly answers = new Map<string, number>();
  readonly #cluster: TestCluster;
  readonly #headers = { "x-forwarded-for": "198.51.100.7" };
  readonly #sockets = new Set<WebSocket>();
  #next = 0;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  /** Everything at once, for so long. */
  async attack(ms: number): Promise<void> {
    const end = performance.now() + ms;
    const meanwhile = async (act: () => Promise<unknown>): Promise<void> => {
      while (performance.now() < end) await act();
    };
    const hoarded = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for (const name of ["cycler-1", "cycler-2"]) await this.#live(name, `FROM-${name}`.toUpperCase());
    for (const name of hoarded) await this.#live(`hoarder-${name}`, `HOARD${name.toUpperCase()}`);
    await Promise.all([
      meanwhile(() => this.#live("cycler-1", `CYCLE${this.#next++}`)),
      meanwhile(() => this.#live("cycler-2", `CYCLE${this.#next++}`)),
      meanwhile(() => this.#post("session", "/sessions/create", {})),
      meanwhile(() => this.#read("/tapes")),
      meanwhile(() => this.#read("/features")),
      meanwhile(() => this.#open(`hoarder-${hoarded[this.#next % hoarded.length]}`)),
    ]);
    for (const socket of this.#sockets) socket.terminate();
  }

  async #live(session_id: string, symbol: string): Promise<void> {
    const body = { session_id, mode: "LIVE", source: "SIM", symbol };
    const made = await this.#post("instrument", `/mode/${session_id}`, body);
    if (made === 404) await this.#post("instrument", "/sessions/create", body);
  }

  #post(what: string, path: string, body: object): Promise<number> {
    return this.#ask(what, path, { method: "POST", body: JSON.stringify(body) });
  }

  #read(path: string): Promise<number> {
    return this.#ask("read", path, {});
  }

  async #ask(what: string, path: string, request: RequestInit): Promise<number> {
    const { apis } = this.#cluster;
    const answer = await fetch(`${apis[this.#next++ % apis.length]?.url}${path}`, {
      ...request,
      headers: this.#headers,
    });
    await answer.arrayBuffer();
    this.#count(`${what} ${answer.status}`);
    return answer.status;
  }

  /** A socket that stays, if it may. */
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
    await sleep(5);
  }

  #count(what: string): void {
    this.answers.set(what, (this.answers.get(what) ?? 0) + 1);
  }
}

const listed = z.looseObject({ tapes: z.array(z.looseObject({ id: z.string() })) });

test("[AC20] one user who takes all that is shared leaves the others what they watch, and room for what they ask for", async ({
  cluster,
}) => {
  const watchers = await Watchers.gather(cluster, "SIM", "BTCUSDT");
  const replay = await cluster.watched({ speed: 1, loop: true });
  const since = now();
  const attacker = new Attacker(cluster);
  const attack = attacker.attack(attackMs);
  const waits: number[] = [];
  while (now() - since < attackMs - 3_000) {
    await sleep(1_000); // the attack has taken what it can
    const asked = performance.now();
    const { session_id } = await cluster.http.create({ mode: "LIVE", source: "SIM", symbol: `NEW${waits.length}` });
    const viewer = await cluster.watch(session_id);
    await viewer.next(3, 60_000);
    waits.push(Math.round(performance.now() - asked));
    await cluster.end({ id: session_id, viewers: [viewer] });
  }
  await attack;
  const answers = Object.fromEntries([...attacker.answers].sort());
  const pause = Math.round(watchers.longestPause(since));
  cluster.note(
    `shared pools: new instruments took ${waits.join(", ")} ms; longest pause ${pause} ms; ${JSON.stringify(answers)}`,
  );

  expect(Math.max(...waits)).toBeLessThan(5_000);
  expect((await watchers.check(since)).flat()).toEqual([]);
  for (const viewer of replay.viewers) {
    await viewer.next(3);
    expect(viewer.frames).toHaveConsecutiveSeqs();
    expect(viewer.frames).toBeOfTape(replay.truth);
  }
  // Each bound was met: an attack that is too weak proves nothing.
  for (const refused of ["instrument 429", "session 429", "read 429", "socket 4429"])
    expect(answers).toHaveProperty(refused);
  const tapesOfAttacker = async () =>
    listed.parse((await cluster.http.get("/tapes")).body).tapes.filter(({ id }) => /CYCLE|HOARD/.test(id));
  // What its sessions still ask for ends with their wishes.
  for (const name of ["cycler-1", "cycler-2", ..."abcdefgh".split("").map((letter) => `hoarder-${letter}`)]) {
    await cluster.http.call("DELETE", `/sessions/${name}`);
  }
  await cluster.until(async () => (await tapesOfAttacker()).length === 0, "the attacker's tapes to go", 20_000);
  await cluster.end(replay);
});
