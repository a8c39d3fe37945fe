import { z } from "zod";
import { bookOf, compareBooks, compareWithTape } from "./books.js";
import { ClientProgram } from "./client-program.js";
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
    const failures = [...disagreements(report, session, { ...plan, awayS: client.awayS }), ...compared.failures];
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
    // What went wrong before says more than that the session cannot be deleted either.
    await http.delete(id).catch((error: unknown) => process.stderr.write(`${id} is not deleted: ${error}\n`));
  }
}

async function instrument(url: string, account: SoakClient["account"]) {
  const answer = await fetch(`${url}/${account === "spot" ? "api/v3" : "fapi/v1"}/exchangeInfo`);
  const [{ symbol, filters }] = exchangeInfo.parse(await answer.json()).symbols;
  const tick = filters.find(({ filterType }) => filterType === "PRICE_FILTER")?.tickSize ?? "1";
  return { symbol, priceDecimals: Math.max(0, Math.round(-Math.log10(Number(tick)))) };
}
