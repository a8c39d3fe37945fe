// Gets the name of a session over IPC, and answers it with the session's trading, computed anew from its log and its tape.
import { LiveTapes } from "@tapedeck/live";
import { connectRedis, createLogger } from "@tapedeck/runtime";
import { keysWith, positionAt, SessionStore } from "@tapedeck/sessions";
import { BlockCache, FolderTapeStore, TapeCatalog } from "@tapedeck/tape";
import { type Standing, Trading } from "@tapedeck/trading";
import { z } from "zod";
import { isRefused } from "../../../services/venue/src/orders/refusals.js";
import type { Trading as PlainTrading, Truth } from "./history.js";
import type { TruthAnswer } from "./truth.js";

const [url = "", prefix = "", folder = ""] = process.argv.slice(2);
const log = createLogger({ service: "test", node: "test", level: "silent" });
const [redis, subscriber] = (["commands", "subscriber"] as const).map((purpose) =>
  connectRedis({ url, purpose, name: "truth", log }),
);
if (redis === undefined || subscriber === undefined) throw new Error("no connections");
const keys = keysWith(prefix);
const store = new SessionStore(redis, keys);
const tapeStore = new FolderTapeStore(folder);
const cache = new BlockCache(64 << 20);
const live = new LiveTapes({ redis, subscriber, keys, store: tapeStore, cache, log });
const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id) => store.orders(id) });
const readOnly = { appendActions: () => Promise.reject(new Error("this process only reads")) };

/** A command is read and written; in between, while Redis is frozen too, the market goes on for so long. */
const writtenWithinS = 10;

/** What names an order in a line of the log: the last of its words, after those of amount, prices and time in force. */
const placed = /^\d+ \S+ -?\d+ P\S+ \S+ \S+ \S+ \S+ (\S+)$/;

/**
 * The names of all orders, but those that a rewind undid while their client had no answer, and which it then sent again: the two are in no chain together
 * ([TR18]).
 */
function namesIn(lines: readonly string[]): string[] {
  const names = lines.map((line) => placed.exec(line)?.[1]);
  const precedes = (earlier: number, later: number) => {
    for (let number = later; number > earlier; ) {
      number = Number.parseInt(lines[number - 1] ?? "0", 10);
      if (number === earlier) return true;
    }
    return false;
  };
  return names.flatMap((name, at) => {
    if (name === undefined) return [];
    const again = names.indexOf(name, at + 1);
    return again < 0 || precedes(at + 1, again + 1) ? [name] : [];
  });
}

/** Branches that were left do not change: computed once, by session and branch. */
const left = new Map<string, PlainTrading>();

async function truthOf(id: string): Promise<Truth> {
  const found = await store.read(id);
  if (found === undefined) throw new Error(`session ${id} is gone`);
  const { record, now } = found;
  const tape = await tapes.open(record.tape);
  const { seq } = await positionAt(record, now, tape);
  const trading = new Trading({ store, sessions: readOnly, tapes }); // knows nothing from before
  const standing = await trading.at(record, seq);
  if (standing === undefined) throw new Error(`session ${id} has no trading`);
  const lines = (await redis?.lrange(keys.actions(id), 0, -1)) ?? [];
  const branches: PlainTrading[] = [];
  for (const { id: branch, tape: of, root, head, tag, ns, seq: leftAt } of await trading.branches(id)) {
    const known = left.get(`${id} ${branch}`);
    if (known !== undefined) {
      branches.push(known);
      continue;
    }
    const { standing: asOf } = await trading.branchAt(record, branch);
    const leftTape = await tapes.open(of);
    const until = await leftTape.seqAt((await leftTape.nsOf(leftAt)) + writtenWithinS * record.speed * 1e9);
    const asLeft = { ...record, tape: of, chain: { root, head, tag, ns }, rev: -1 };
    const after =
      until > leftAt ? await new Trading({ store, sessions: readOnly, tapes }).at(asLeft, until) : undefined;
    const later = after === undefined ? [] : plain(0, after).fills.slice(asOf.fills.length);
    const computed = { ...plain(Number(branch), asOf), later };
    left.set(`${id} ${branch}`, computed);
    branches.push(computed);
  }
  const { chain } = await trading.settings(record);
  const { price = 0, size = 0 } = chain?.decimals ?? {};
  return {
    log: namesIn(lines),
    now: plain(record.epoch, standing),
    branches,
    decimals: price + size,
  };
}

function plain(epoch: number, { orders, fills, account }: Standing): PlainTrading {
  return {
    epoch,
    orders: orders.map(({ order_id: order, client_order_id: name, status, filled, reason }) => ({
      ...{ order, name, status, filled },
      refused: isRefused({ status, reason }),
    })),
    fills: fills.map(({ fill_id: id, order_id: order, side, price, amount, fee, realized_pnl: realized }) => ({
      ...{ id, order, side, price, amount, fee, realized },
    })),
    account,
  };
}

process.on("message", (message) => {
  const session = z.string().parse(message);
  const answer = (sent: TruthAnswer) => process.send?.(sent);
  truthOf(session).then(
    (truth) => answer({ session, truth }),
    (error: unknown) => answer({ session, error: `${error}` }),
  );
});
process.on("disconnect", () => process.exit());
