import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Outcome } from "../oracle/history.js";
import { Client, type Gateway } from "./client.js";
import { view as viewSchema } from "./messages.js";
import type { Random } from "./random.js";
import { now, Recorder } from "./recorder.js";
import type { Character, Command } from "./users.js";

/** The addresses of a cluster at this moment; processes that restart get others. */
export interface Addresses {
  readonly gateways: () => readonly Gateway[];
  readonly apis: () => readonly string[];
}

const requestMs = 8_000;
/** Sessions begin somewhere in this part of their tape, in percent: none reaches its end by itself. */
const startsBefore = 25;
/** A viewer that gets nothing for this long although it should has stopped for good. */
const stuckMs = 90_000;
const created = z.looseObject({ session_id: z.string() });
const refused = z.object({ code: z.string() });

/** A session with its viewers and users, from its creation to its end; everything that they see is recorded. */
export class ChaosSession {
  readonly id: string;
  readonly character: Character;
  readonly recorder: Recorder;
  readonly clients: readonly Client[];
  readonly #addresses: Addresses;
  readonly #random: Random;
  #commands = 0;

  /** Resolves when it has been created; its viewers connect by themselves. */
  static async start(
    addresses: Addresses,
    character: Character,
    random: Random,
    texts: Map<string, string>,
  ): Promise<ChaosSession> {
    for (;;) {
      const answer = await request(addresses, random, "POST", "/sessions/create", character.body).catch(
        () => undefined,
      );
      const { data } = created.safeParse(answer?.body);
      if (data !== undefined) return new ChaosSession(data, addresses, character, random, texts);
      await sleep(200); // a fault is under way
    }
  }

  private constructor(
    answer: z.infer<typeof created>,
    addresses: Addresses,
    character: Character,
    random: Random,
    texts: Map<string, string>,
  ) {
    const { session_id: id } = answer;
    this.id = id;
    this.character = character;
    this.#addresses = addresses;
    this.#random = random;
    this.recorder = new Recorder(id, texts);
    this.clients = Array.from(
      { length: character.viewers },
      (_, nth) => new Client(`viewer ${nth + 1}`, this.recorder, addresses.gateways, answer, random.fork()),
    );
  }

  /** Plays until `until`; users send a command now and then, and sometimes two at a time. */
  async live(until: number): Promise<void> {
    if (this.character.body.mode === undefined) {
      await this.#perform({ name: "seek", args: { fraction: Math.round(this.#random.next() * startsBefore) / 100 } });
      await this.#perform({ name: "start", args: {} });
    }
    while (this.character.steady && now() < until) {
      await sleep(Math.min(3_000, until - now()));
      // Its start may have been lost in a fault.
      if (this.clients[0]?.view?.state === "STOPPED") await this.#perform({ name: "start", args: {} });
    }
    while (now() < until) {
      await sleep(this.#random.between(300, 2_500));
      const { next } = this.character;
      const view = this.clients[0]?.view;
      if (view === undefined) continue;
      if (this.#random.chance(0.2)) await this.#read();
      if (next === undefined) continue;
      const commands = Array.from({ length: this.#random.chance(0.15) ? 2 : 1 }, () => next(this.#random, view));
      await Promise.all(commands.map((command) => this.#perform(command)));
    }
  }

  /** Why a viewer never moves again; undefined if all do. Those of a session that its users left standing are sent on. */
  async stuck(): Promise<string | undefined> {
    const deadline = now() + stuckMs;
    const before = this.clients.map(({ frames }) => frames);
    while (now() < deadline) {
      const gone = this.clients.find((client) => client.gone !== undefined);
      if (gone !== undefined) return `${gone.name} was ${gone.gone}`;
      if (this.clients.every(({ frames }, nth) => frames > (before[nth] ?? 0))) return undefined;
      const state = this.clients[0]?.view;
      if (state !== undefined && state.state !== "PLAYING") {
        if (state.mode === "LIVE") await this.#perform({ name: "live", args: {} });
        else await this.#perform({ name: "seek", args: { seq: 10 } });
        await this.#perform({ name: "resume", args: {} });
      }
      await sleep(500);
    }
    const [still] = this.clients.filter(({ frames }, nth) => frames <= (before[nth] ?? 0));
    return `${still?.name} got no frame within ${stuckMs / 1000} s, its session is ${still?.view?.mode} ${still?.view?.state}`;
  }

  close(): void {
    for (const client of this.clients) client.close();
  }

  async delete(): Promise<void> {
    await request(this.#addresses, this.#random, "DELETE", `/sessions/${this.id}`).catch(() => {}); // it expires
  }

  async #read(): Promise<void> {
    const sentAt = now();
    const answer = await request(this.#addresses, this.#random, "GET", `/sessions/${this.id}`).catch(() => undefined);
    const { data } = z.object({ session: viewSchema }).safeParse(answer?.body);
    if (data !== undefined) this.recorder.record({ kind: "read", sentAt, view: data.session });
  }

  /** By HTTP or through one of the sockets. */
  async #perform(command: Command): Promise<void> {
    const id = `${this.#commands++}`;
    const client = this.#random.pick(this.clients);
    if (client.open && this.#random.chance(0.5)) {
      const { name, args } = command;
      await Promise.race([
        client.command(id, name, name === "goback" ? { seconds: args.seconds } : args),
        sleep(requestMs),
      ]);
      return;
    }
    const { name, args } = command;
    this.recorder.record({ kind: "command", id, via: undefined, name, args });
    const outcome = await this.#overHttp(command);
    this.recorder.record({ kind: "answer", id, outcome });
  }

  async #overHttp({ name, args }: Command): Promise<Outcome> {
    const value = name === "speed" ? `/${args.value}` : name === "goback" ? `/${args.seconds}` : "";
    const path = name === "mode" ? `/mode/${this.id}` : `/replay/${name}${value}/${this.id}`;
    try {
      const { status, body } = await request(this.#addresses, this.#random, "POST", path, args);
      const { data } = viewSchema.safeParse(body);
      if (status === 200 && data !== undefined) return { kind: "done", view: data };
      const { data: refusal } = refused.safeParse(body);
      return refusal === undefined || status === 500 ? { kind: "lost" } : { kind: "refused", code: refusal.code };
    } catch {
      return { kind: "lost" };
    }
  }
}

async function request(
  { apis }: Addresses,
  random: Random,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: unknown }> {
  const serving = apis();
  if (serving.length === 0) throw new Error("no api serves");
  const answer = await fetch(`${random.pick(serving)}${path}`, {
    method,
    signal: AbortSignal.timeout(requestMs),
    ...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}
