import { createHash } from "node:crypto";
import type { Session } from "@tapedeck/client";
import {
  createAnswer,
  fillsAnswer,
  ordersAnswer,
  type SessionFill,
  type SessionOrder,
  type TradingSettingsInput,
} from "@tapedeck/protocol";
import type { TestCluster } from "../../support/cluster.js";
import { clientAt } from "../../support/sdk-viewer.js";
import { anyAnswer, ServingApis } from "../../support/serving-apis.js";
import { ApiDesk, VenueDesk } from "./desks.js";
import { Program } from "./program.js";

export type Kind = "api" | "gateway" | "ticker" | "venue";

/** How one run differs from the others. None of it may show in its orders and fills. */
export interface RunPlan {
  readonly speed: number | "max";
  /** Where its orders go. */
  readonly by: "api" | "venue";
  /** The node that its first order goes to. */
  readonly node: number;
  /** Processes that are killed while it runs, each at a frame, counted from the first. */
  readonly kills: readonly { readonly kind: Kind; readonly frame: number }[];
}

/** The part of the tape that the program trades on. */
export interface Stretch {
  readonly tape: string;
  readonly symbol: string;
  readonly from: number;
  readonly frames: number;
}

export interface RunResult {
  /** SHA-256 over orders and fills. */
  readonly digest: string;
  readonly orders: readonly SessionOrder[];
  readonly fills: readonly SessionFill[];
  /** Requests that got no answer. */
  readonly lost: number;
  readonly connections: number;
}

/** Latencies are constant: drawn ones are drawn for each message, so a cancellation that is sent twice, since a kill took its first answer, would change all later ones. */
const settings: TradingSettingsInput = {
  account: { kind: "spot", base: "100", quote: "10000000" },
  latency: { entry: { kind: "constant", ms: 5 }, response: { kind: "constant", ms: 7 } },
  queue: { model: "power-probability", n: 3 },
};

const mostAttempts = 20;

/** Runs the program over the stretch in lossless pace, and gets what became of its orders. */
export async function run(
  cluster: TestCluster,
  { tape, symbol, from, frames }: Stretch,
  plan: RunPlan,
): Promise<RunResult> {
  const { speed, by, node, kills } = plan;
  const apis = new ServingApis(cluster, { first: node });
  const { session_id: id } = await apis.insist(createAnswer, "POST", "/sessions/create", {
    ...{ tape, pace: "lossless" },
    ...(speed !== "max" && { speed }),
  });
  await apis.insist(anyAnswer, "PUT", `/sessions/${id}/trading`, settings);
  await apis.insist(anyAnswer, "POST", `/replay/seek/${id}`, { seq: from });
  const desk =
    by === "api" ? new ApiDesk(apis, id) : await VenueDesk.open(cluster, apis, { session: id, symbol, first: node });
  const program = new Program(desk);
  const session = await joined(cluster, id);
  let connections = 1;
  session.onConnection(({ connection }) => {
    if (connection === "open") connections++;
  });
  try {
    await new Promise<void>((resolve, reject) => {
      session.onEnd((end) => reject(new Error(`the session ended: ${JSON.stringify(end)}`)));
      session.onFrame(async ({ seq, ...frame }) => {
        for (const { kind } of kills.filter((kill) => kill.frame === seq - from)) killOne(cluster, kind, node);
        await program.handle({ ...frame, seq }).catch(reject);
        if (seq < from + frames) return;
        resolve();
        await new Promise(() => {}); // the last frame is never acknowledged: the playhead stays there
      });
      apis.insist(anyAnswer, "POST", `/replay/start/${id}`).catch(reject);
    });
    const [{ orders }, { fills }] = await Promise.all([
      apis.insist(ordersAnswer, "GET", `/sessions/${id}/orders?limit=1000`),
      apis.insist(fillsAnswer, "GET", `/sessions/${id}/fills?limit=1000`),
    ]);
    return { digest: digestOf(orders, fills), orders, fills, lost: desk.lost, connections };
  } finally {
    session.close();
  }
}

/** Joins again while a fault keeps nodes from answering. */
async function joined(cluster: TestCluster, id: string): Promise<Session> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await clientAt(cluster.url).join(id, { acknowledge: true });
    } catch (error) {
      if (attempt >= mostAttempts) throw error;
    }
  }
}

/** One of those that serve; if none does, an earlier kill is at work. */
function killOne(cluster: TestCluster, kind: Kind, nth: number): void {
  const { apis, gateways, tickers, venues } = cluster;
  const serving = { api: apis, gateway: gateways, ticker: tickers, venue: venues }[kind].filter(({ ready }) => ready);
  const victim = serving[nth % Math.max(1, serving.length)];
  if (victim !== undefined && serving.length > 1) cluster.signal(victim, "SIGKILL");
}

/** Orders by the program's names: their ids count all actions, also a cancellation that was sent twice since its first answer was lost. */
export function digestOf(orders: readonly SessionOrder[], fills: readonly SessionFill[]): string {
  const named = [orders, fills].map((all) => all.map(({ order_id: _, ...rest }) => rest));
  return createHash("sha256").update(JSON.stringify(named)).digest("hex");
}
