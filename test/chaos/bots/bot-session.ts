import { setTimeout as sleep } from "node:timers/promises";
import {
  accountAnswer,
  createAnswer,
  createVenueKeyAnswer,
  fillsAnswer,
  type TradedInstrument,
  tradingAnswer,
} from "@tapedeck/protocol";
import { z } from "zod";
import { anyAnswer, type ServingApis } from "../../support/serving-apis.js";
import type { Random } from "../run/random.js";
import { now } from "../run/recorder.js";
import type { Act, BestPrices, Bot, BotOrder } from "./bot.js";
import { check } from "./check.js";
import { exact } from "./exact.js";
import type { BotHistory, Trading } from "./history.js";
import { SdkBot } from "./sdk-bot.js";
import type { TruthReader } from "./truth.js";
import { VenueBot } from "./venue-bot.js";

/** What a session plays, and who is on it. */
export interface SessionPlan {
  readonly name: string;
  /** Of its creation. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly market: "spot" | "usdm";
  /** Whether a program with the SDK trades on it, too. */
  readonly withSdk: boolean;
  /** Whether a simulated market reacts to what is taken from it. */
  readonly reacts: boolean;
  readonly owner: "leaves it alone" | "pauses" | "rewinds";
}

/** Where the cluster's processes are at the moment. */
export interface BotCluster {
  readonly url: string;
  readonly venues: readonly { readonly ready: boolean; readonly url: string }[];
}

export interface BotSessionOptions {
  readonly plan: SessionPlan;
  readonly cluster: BotCluster;
  readonly apis: ServingApis;
  readonly truth: TruthReader;
  readonly random: Random;
  /** From one action of a client to the next, on average. */
  readonly everyMs: number;
  readonly maxFps: number | undefined;
}

/** A session that stands still is checked again and again for so long: faults may be under way. Each time it waits twice as long as before. */
const settleMs = 90_000;
const settleAfterMs = { first: 1_000, most: 8_000 } as const;
/** Deep enough for a session's life. */
const starts = {
  spot: { kind: "spot", base: "1000000", quote: "1000000000" },
  usdm: { kind: "futures", wallet: "1000000000" },
} as const;
const acts: readonly Act[] = [
  "market",
  "market",
  "near",
  "near",
  "near",
  "post-only",
  "far",
  "stop",
  "cancel",
  "cancel",
  "replace",
  "cancel all",
];
/** Worth of the smallest orders, in the quote currency. */
const leastWorth = 20;
/** Orders that a bot remembers, to cancel or move one. */
const remembered = 8;

/** A session with the bots that trade on it and an owner who moves the market, from its creation to its check. */
export class BotSession {
  readonly id: string;
  readonly plan: SessionPlan;
  readonly bots: readonly Bot[];
  readonly history: BotHistory;
  readonly #options: BotSessionOptions;
  readonly #instrument: TradedInstrument;
  readonly #resting = new Map<string, BotOrder>();
  #names = 0;

  static async start(options: BotSessionOptions): Promise<BotSession> {
    const { plan, apis, cluster, random, maxFps } = options;
    const body = { ...plan.body, ...(maxFps !== undefined && { max_fps: maxFps }) };
    const { session_id: id } = await apis.insist(createAnswer, "POST", "/sessions/create", body);
    let instrument: TradedInstrument | null = null;
    while (instrument === null) {
      instrument = (await apis.insist(tradingAnswer, "GET", `/sessions/${id}/trading`)).instrument;
      if (instrument === null) await sleep(200); // a market begins
    }
    const { kind, ...amounts } = starts[plan.market];
    const account = { kind, ...amounts, ...(kind === "futures" && { leverage: 20 }) };
    const latency = { kind: "log-normal", median_ms: 5, sigma: 0.5, max_ms: 200 };
    await apis.insist(anyAnswer, "PUT", `/sessions/${id}/trading`, {
      account,
      latency: { entry: latency, response: latency },
      seed: id,
      market_impact: plan.reacts,
    });
    if (plan.body.mode === undefined)
      await apis.insist(anyAnswer, "POST", `/replay/seek/${id}`, { fraction: 0.05 + random.next() * 0.2 });
    const { api_key: apiKey, secret = "" } = await apis.insist(
      createVenueKeyAnswer,
      "POST",
      `/sessions/${id}/venue-keys`,
      {},
    );
    if (plan.body.mode !== "LIVE") await apis.insist(anyAnswer, "POST", `/replay/start/${id}`);
    const history: BotHistory = { session: id, sent: new Map(), listenings: [], start: starts[plan.market] };
    const address = addresses(cluster, `venue/${plan.market === "spot" ? "binance" : "binance-usdm"}/${id}`, random);
    const symbol = await symbolAt(address, plan.market);
    const epoch = async () => {
      const { body } = await apis.call("GET", `/sessions/${id}`);
      return z.object({ session: z.object({ epoch: z.number() }) }).safeParse(body).data?.session.epoch;
    };
    const key = { apiKey, secret };
    const bots: Bot[] = [new VenueBot({ name: "v", market: plan.market, key, symbol, history, address, epoch })];
    if (plan.withSdk) bots.push(await SdkBot.join({ name: "s", session: id, history, url: cluster.url }));
    return new BotSession(id, bots, history, instrument, options);
  }

  private constructor(
    id: string,
    bots: readonly Bot[],
    history: BotHistory,
    instrument: TradedInstrument,
    options: BotSessionOptions,
  ) {
    this.id = id;
    this.plan = options.plan;
    this.bots = bots;
    this.history = history;
    this.#instrument = instrument;
    this.#options = options;
  }

  /** Trades until `until`, which may come closer; the owner does what owners do. */
  async live(until: () => number): Promise<void> {
    const { random } = this.#options;
    await Promise.all([
      ...this.bots.map((bot) => this.#trade(bot, until, random.fork())),
      this.#own(until, random.fork()),
    ]);
  }

  /** Stops the market, and finds what is wrong when all clients have had time to hear of everything: a sentence each. */
  async settle(): Promise<string[]> {
    const { apis, truth } = this.#options;
    await apis.insist(anyAnswer, "POST", `/replay/pause/${this.id}`).catch(() => {}); // the tape may have ended
    // A venue says what is at the playhead, an api what is with its frame: with a frame both say the same.
    await apis.insist(anyAnswer, "POST", `/replay/step/${this.id}`, { frames: 1 }).catch(() => {}); // there may be no later one
    const deadline = now() + settleMs;
    // What is has to be computed: not before it can be compared.
    while (this.bots.some(({ isBack }) => !isBack) && now() < deadline) await sleep(200);
    for (let waitMs: number = settleAfterMs.first; ; waitMs = Math.min(2 * waitMs, settleAfterMs.most)) {
      let found: string[];
      try {
        await this.#resolveUnknown();
        const real = await truth.of(this.id);
        found = [...check(this.history, real), ...(await this.#answersOff(real.now))];
      } catch (error) {
        found = [`${this.id}: cannot be checked: ${error}`];
      }
      const gone = this.bots.flatMap((bot) =>
        bot.ended === undefined ? [] : [`${this.id}: ${bot.name} was ${bot.ended}`],
      );
      if (found.length + gone.length === 0 || now() > deadline) return [...found, ...gone];
      await sleep(waitMs);
    }
  }

  async end(): Promise<void> {
    for (const bot of this.bots) bot.close();
    await this.#options.apis.call("DELETE", `/sessions/${this.id}`).catch(() => {}); // it expires
  }

  async #trade(bot: Bot, until: () => number, random: Random): Promise<void> {
    const { everyMs } = this.#options;
    for (;;) {
      await sleep(random.between(0.3, 1.7) * everyMs);
      if (now() > until()) return;
      const prices = await bot.prices();
      if (prices !== undefined) await this.#act(bot, random.pick(acts), prices, random);
    }
  }

  async #act(bot: Bot, act: Act, prices: BestPrices, random: Random): Promise<void> {
    const resting = [...this.#resting.values()].filter(({ name }) => name.startsWith(bot.name)).slice(-remembered);
    if (act === "cancel all") {
      if (random.chance(0.3)) await bot.cancelAll();
      return;
    }
    if (act === "cancel" || act === "replace") {
      const chosen = resting[random.below(Math.max(1, resting.length))];
      if (chosen === undefined) return;
      if (act === "cancel") await bot.cancel(chosen.name);
      else
        await bot.replace({
          ...chosen,
          price: this.#price((chosen.side === "buy" ? prices.bid : prices.ask) * 0.9999),
        });
      return;
    }
    const order = this.#order(bot, act, prices, random);
    const { sent } = this.history;
    sent.set(order.name, "unknown");
    const outcome = await bot.place(order);
    sent.set(order.name, outcome);
    if (outcome === "acknowledged" && order.type !== "MARKET") this.#resting.set(order.name, order);
    // As with an exchange: whoever got no answer asks for the order by its name.
    if (outcome === "unknown" && (await bot.knows(order.name))) sent.set(order.name, "acknowledged");
  }

  #order(
    bot: Bot,
    act: Exclude<Act, "cancel" | "cancel all" | "replace">,
    { bid, ask }: BestPrices,
    random: Random,
  ): BotOrder {
    const side = random.chance(0.5) ? "buy" : "sell";
    const [near, other] = side === "buy" ? [bid, ask] : [ask, bid];
    const away = side === "buy" ? -1 : 1;
    const lot = 10 ** -this.#instrument.amount_decimals;
    const lots = Math.ceil(leastWorth / near / lot) * (1 + random.below(5));
    const order = {
      name: `${bot.name}-${++this.#names}`,
      side,
      type: act === "market" ? "MARKET" : act === "stop" ? "STOP" : "LIMIT",
      postOnly: act === "post-only",
      amount: (lots * lot).toFixed(this.#instrument.amount_decimals),
    } as const;
    if (act === "market") return order;
    // A futures bot's stop orders would be told by a message of their own.
    if (act === "stop" && this.plan.market === "spot")
      return { ...order, stopPrice: this.#price(other * (1 - away * 0.0005)) };
    const price = act === "near" ? near : act === "far" ? near * (1 + away * 0.002) : near * (1 + away * 0.0001);
    return { ...order, type: "LIMIT", price: this.#price(price) };
  }

  #price(value: number): string {
    return value.toFixed(this.#instrument.price_decimals);
  }

  async #own(until: () => number, random: Random): Promise<void> {
    const { owner } = this.plan;
    const { apis } = this.#options;
    const command = (path: string, body: object = {}) =>
      apis.call("POST", `/replay/${path}/${this.id}`, body).catch(() => {});
    while (owner !== "leaves it alone") {
      await sleep(random.between(8_000, 25_000));
      if (now() > until() - 5_000) return;
      if (owner === "pauses" || random.chance(0.3)) {
        await command("pause");
        await sleep(random.between(500, 4_000));
      }
      if (owner === "rewinds") {
        const seconds = Math.round(random.between(2, 8));
        await command(`goback/${seconds}`);
      }
      await apis.insist(anyAnswer, "POST", `/replay/resume/${this.id}`).catch(() => {}); // it plays already
    }
  }

  async #resolveUnknown(): Promise<void> {
    for (const [name, outcome] of this.history.sent) {
      const bot = this.bots.find((each) => name.startsWith(each.name));
      if (outcome === "unknown" && (await bot?.knows(name))) this.history.sent.set(name, "acknowledged");
    }
  }

  /** What an api and a venue say of the account, where it is not what is. */
  async #answersOff({ account, fills }: Trading): Promise<string[]> {
    const { apis } = this.#options;
    const said = accountAnswer.parse((await apis.call("GET", `/sessions/${this.id}/account`)).body).account;
    const listed = fillsAnswer.parse((await apis.call("GET", `/sessions/${this.id}/fills?limit=1000`)).body).fills;
    const found: string[] = [];
    const compare = (who: string, what: string, is: string, should: string) => {
      if (exact(is) !== exact(should)) found.push(`[TR84] ${this.id}: ${who} says ${what} ${is}, and it is ${should}`);
    };
    if (said?.kind === "spot" && account.kind === "spot") {
      compare("an api", "base", said.base, account.base);
      compare("an api", "quote", said.quote, account.quote);
    } else if (said?.kind === "futures" && account.kind === "futures") {
      compare("an api", "wallet", said.wallet, account.wallet);
      compare("an api", "position", said.position, account.position);
    } else found.push(`[TR84] ${this.id}: an api says ${JSON.stringify(said)}`);
    if (
      listed.map(({ fill_id }) => fill_id).join() !==
      fills
        .slice(0, 1_000)
        .map(({ id }) => id)
        .join()
    )
      found.push(`[TR84] ${this.id}: an api lists other fills`);
    for (const bot of this.bots) {
      for (const { what, value } of (await bot.balances?.()) ?? []) {
        compare("a venue", what, value, new Map<string, string>(Object.entries(account)).get(what) ?? "nothing");
      }
    }
    return found;
  }
}

/** Half of the bots connect by the balancer, as behind a host name, the others to a venue's process, each time to the next one. */
function addresses({ url, venues }: BotCluster, path: string, random: Random): () => string {
  if (random.chance(0.5)) return () => `${url}/${path}`;
  let nth = random.below(10);
  return () => {
    const serving = venues.filter(({ ready }) => ready);
    return `${serving[nth++ % Math.max(1, serving.length)]?.url ?? url}/${path}`;
  };
}

const listed = z.object({ symbols: z.array(z.looseObject({ symbol: z.string() })).min(1) });

async function symbolAt(address: () => string, market: "spot" | "usdm"): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await fetch(`${address()}/${market === "spot" ? "api/v3" : "fapi/v1"}/exchangeInfo`, {
        signal: AbortSignal.timeout(5_000),
      });
      return listed.parse(await answer.json()).symbols[0]?.symbol ?? "";
    } catch (error) {
      if (attempt > 100) throw error;
      await sleep(300); // a fault is under way
    }
  }
}
