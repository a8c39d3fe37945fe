import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { fullBook } from "@tapedeck/protocol";
import { z } from "zod";
import type { Http } from "../../support/http.js";
import { ClientProgram, type SoakReport } from "./client-program.js";
import type { SoakClient } from "./clients.js";
import { type MarketName, openMarket, ownMarket } from "./market.js";
import { disagreements } from "./reconcile.js";
import { sessionSide } from "./session-side.js";
import type { SoakCluster } from "./soak-cluster.js";

/** One client on one market. */
export interface SoakPlan {
  readonly client: SoakClient;
  readonly market: MarketName;
  readonly speed: number;
  readonly orders: number;
  readonly seconds: number;
  /** Its number in the run. */
  readonly number: number;
}

export interface SoakResult {
  readonly plan: SoakPlan;
  readonly fills: number;
  readonly told: number;
  readonly rewinds: number;
  readonly reconnects: number;
  /** Levels of each side that were compared. */
  readonly levels: number;
  readonly problems: number;
  /** What is not as it should be. */
  readonly failures: readonly string[];
}

const amount = "0.010";
/** Time for a client to start and to finish, in ms, besides its task's time and half of it again. */
const slackMs = 240_000;
/** A client whose socket was closed before the pause may need the market to play on until it has a book again. */
const attempts = 8;
const compareMs = 8_000;
const playMs = 3_000;

const number = z.coerce.number();
const depth = z.object({ bids: z.array(z.tuple([number, number])), asks: z.array(z.tuple([number, number])) });
type Book = z.infer<typeof depth>;
const exchangeInfo = z.object({
  symbols: z.tuple([
    z.object({
      symbol: z.string(),
      filters: z.array(z.looseObject({ filterType: z.string(), tickSize: z.string().optional() })),
    }),
  ]),
});

/** Lets a client trade on a session of its own, and compares what it knows with what the session and its tape have. */
export async function soak(cluster: SoakCluster, plan: SoakPlan): Promise<SoakResult> {
  const { client, market, speed, orders, seconds } = plan;
  const { http } = cluster;
  const id = await openMarket(http, market, speed, plan.number + 1);
  const url = cluster.venue(id, client.account, plan.number);
  const listed = await instrument(url, client.account);
  const bookHere = () => bookOf(url, client.account, listed.symbol);
  const program = new ClientProgram(
    client.program({
      ...{ url, market: client.account, orders, seconds, amount, ...listed },
      ...{ spot: cluster.venue(id, "spot", plan.number), usdm: cluster.venue(id, "usdm", plan.number) },
      ...(await cluster.key(id)),
    }),
  );
  try {
    const over = new AbortController();
    const owner = ownMarket(http, { id, market, speed, seconds }, over.signal);
    await Promise.race([program.untilDone(seconds * 1_500 + slackMs), owner]); // which ends only by failing
    over.abort();
    const rewinds = await owner;
    const compared = await compareBooks(http, { id, client, program, bookHere });
    const session = await sessionSide(http, id, rewinds);
    const report = await program.report();
    const failures = [...disagreements(report, session, plan), ...compared.failures];
    await program.end();
    failures.push(...(await compareWithTape(http, id, bookHere)));
    if (failures.length > 0 && program.said !== "") failures.push(`it said: ${program.said.replace(/\s+/g, " ")}`);
    return {
      ...{
        plan,
        fills: session.fills.length + session.undone.length,
        told: report.told.length,
        rewinds: session.rewinds,
      },
      ...{ reconnects: report.reconnects, problems: report.problems.length, levels: compared.levels, failures },
    };
  } finally {
    await program.end();
    await http.delete(id);
  }
}

async function instrument(url: string, account: SoakClient["account"]) {
  const answer = await fetch(`${url}/${account === "spot" ? "api/v3" : "fapi/v1"}/exchangeInfo`);
  const [{ symbol, filters }] = exchangeInfo.parse(await answer.json()).symbols;
  const tick = filters.find(({ filterType }) => filterType === "PRICE_FILTER")?.tickSize ?? "1";
  return { symbol, priceDecimals: Math.max(0, Math.round(-Math.log10(Number(tick)))) };
}

interface Compared {
  readonly id: string;
  readonly client: SoakClient;
  readonly program: ClientProgram;
  /** The whole book at the client's venue. */
  readonly bookHere: () => Promise<Book>;
}

/** While the market stands, the client's local book is the venue's. */
async function compareBooks(
  http: Http,
  { id, client, program, bookHere }: Compared,
): Promise<{ readonly levels: number; readonly failures: readonly string[] }> {
  let last = "";
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) await http.control(id, "resume");
    await sleep(playMs); // the market plays, and the last orders arrive
    await http.control(id, "pause");
    const wanted = await bookHere();
    const deadline = Date.now() + compareMs;
    do {
      const { book } = await program.report();
      const levels = Math.min(book.bids.length, book.asks.length);
      if (levels >= client.levels && isSame(book, wanted)) return { levels, failures: [] };
      last = `${JSON.stringify(best(book))} for the client, ${JSON.stringify(best(wanted))} at the venue`;
      await sleep(300); // what was sent before the pause is on its way
    } while (Date.now() < deadline);
  }
  return { levels: 0, failures: [`after ${attempts} pauses its book is ${last}`] };
}

/** The levels that a client has are the best of what it should have. */
function isSame(book: SoakReport["book"], wanted: Book): boolean {
  return (["bids", "asks"] as const).every((side) =>
    isDeepStrictEqual(
      book[side].map(([price, size]) => [price, size]),
      wanted[side].slice(0, book[side].length),
    ),
  );
}

const best = ({ bids, asks }: SoakReport["book"]) => ({ bids: bids.slice(0, 3), asks: asks.slice(0, 3) });

async function bookOf(url: string, account: SoakClient["account"], symbol: string): Promise<Book> {
  const path = account === "spot" ? "api/v3/depth?limit=5000" : "fapi/v1/depth?limit=1000";
  const answer = await fetch(`${url}/${path}&symbol=${symbol}`);
  return depth.parse(await answer.json());
}

/** On a frame of the tape, the venue's book is the tape's. */
async function compareWithTape(http: Http, id: string, bookHere: () => Promise<Book>): Promise<string[]> {
  const { cursor_seq: seq } = (await http.session(id)).controller_state;
  await http.control(id, "seek", { seq });
  const there = await http.ask(fullBook, "GET", `/sessions/${id}/book?depth=1000`);
  const book = await bookHere();
  const tape = depth.parse(there);
  const levels = Math.min(1_000, there.bid_levels, there.ask_levels);
  const isTape = (["bids", "asks"] as const).every((side) =>
    isDeepStrictEqual(book[side].slice(0, levels), tape[side].slice(0, levels)),
  );
  return isTape ? [] : [`at frame ${seq} the venue's book is not the tape's`];
}
