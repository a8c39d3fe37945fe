import { branchesAnswer, fillsAnswer, ordersAnswer, type SessionFill } from "@tapedeck/protocol";
import type { Http } from "../../support/http.js";
import type { SessionSide } from "./reconcile.js";

const page = 1_000;

/** All fills of a session, each once: those that stand, and those that rewinds undid. */
async function allFills(http: Http, id: string): Promise<Pick<SessionSide, "fills" | "undone">> {
  const key = ({ order_id: order, fill_id: fill }: SessionFill) => `${order}/${fill}`;
  const fills = await fillsAt(http, `/sessions/${id}/fills`);
  const standing = new Set(fills.map(key));
  const undone = new Map<string, SessionFill>();
  const { branches } = await http.ask(branchesAnswer, "GET", `/sessions/${id}/branches`);
  for (const branch of branches) {
    for (const fill of await fillsAt(http, `/sessions/${id}/branches/${branch.id}/fills`)) {
      if (!standing.has(key(fill))) undone.set(key(fill), fill);
    }
  }
  return { fills, undone: [...undone.values()] };
}

async function fillsAt(http: Http, path: string): Promise<SessionFill[]> {
  const all: SessionFill[] = [];
  for (;;) {
    const after = all.at(-1)?.fill_id;
    const query = after === undefined ? "" : `&after=${after}`;
    const { fills } = await http.ask(fillsAnswer, "GET", `${path}?limit=${page}${query}`);
    all.push(...fills);
    if (fills.length < page) return all;
  }
}

/** @param rewinds how often its market began anew */
export async function sessionSide(http: Http, id: string, rewinds: number): Promise<SessionSide> {
  const { orders } = await http.ask(ordersAnswer, "GET", `/sessions/${id}/orders?open=true&limit=${page}`);
  return { ...(await allFills(http, id)), open: orders.length, rewinds };
}
