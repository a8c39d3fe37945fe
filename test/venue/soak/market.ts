import { setTimeout as sleep } from "node:timers/promises";
import { tradingAnswer } from "@tapedeck/protocol";
import type { Http } from "../../support/http.js";

export const marketNames = ["recorded", "live", "simulated"] as const;
export type MarketName = (typeof marketNames)[number];

/** The recording, of 514 s. */
export const recording = "primary";
export const liveMarket = { mode: "LIVE", source: "BINANCE", symbol: "BTCUSDT" } as const;

/** How often the owner looks, in ms. */
const lookEveryMs = 700;
/** Closer to the newest frame than this a session is at the edge, in ms of tape. */
const edgeMs = 1_000;
const instrumentMs = 60_000;

/** A new session on a market of a kind, playing. Each line of a run has a `seed` of its own. */
export async function openMarket(http: Http, market: MarketName, speed: number, seed: number): Promise<string> {
  const bodies = {
    recorded: { tape: recording, speed },
    live: liveMarket,
    simulated: { mode: "SIMULATION", seed, speed },
  };
  const { session_id: id } = await http.create(bodies[market]);
  const deadline = Date.now() + instrumentMs;
  while ((await http.ask(tradingAnswer, "GET", `/sessions/${id}/trading`)).instrument === null) {
    if (Date.now() > deadline) throw new Error(`session ${id} has no market after ${instrumentMs / 1_000} s`);
    await sleep(lookEveryMs); // a live market begins
  }
  if (market === "recorded") {
    await http.control(id, "range", { loop: true });
    await http.control(id, "start");
  } else if (market === "live" && speed > 1) {
    await http.control(id, "seek", { fraction: 0 });
    await http.control(id, `speed/${speed}`);
  }
  return id;
}

/** The session whose market an owner moves, and for how long. */
export interface OwnedMarket {
  readonly id: string;
  readonly market: MarketName;
  readonly speed: number;
  readonly seconds: number;
}

/**
 * What the owner does until `signal`: a recording loops by itself. A live market at more than its own speed has to begin again whenever it
 * reaches the edge. The others go back once in the middle of the time, and a live one returns to the edge.
 *
 * @returns how often the market began anew: each time, the venue closes its sockets
 */
export async function ownMarket(
  http: Http,
  { id, market, speed, seconds }: OwnedMarket,
  signal: AbortSignal,
): Promise<number> {
  const begun = Date.now();
  const acts: [atMs: number, action: string][] = [];
  if (market === "simulated" || (market === "live" && speed === 1)) acts.push([(seconds * 1_000) / 2, "goback/20"]);
  if (market === "live" && speed === 1) acts.push([(seconds * 3_000) / 4, "live"]);
  let { epoch } = await http.session(id);
  for (let rewinds = 0; ; ) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {}); // its end is looked at below
    const session = await http.session(id);
    if (session.epoch !== epoch) rewinds++;
    epoch = session.epoch;
    if (signal.aborted) return rewinds;
    const [next] = acts;
    if (next !== undefined && Date.now() > begun + next[0]) {
      acts.shift();
      await http.control(id, next[1]);
    } else if (market === "live" && speed > 1 && session.behind_ms !== null && session.behind_ms < edgeMs) {
      await http.control(id, "seek", { fraction: 0 });
    }
  }
}
