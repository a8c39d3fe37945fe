import { RefusedError, refuse } from "@tapedeck/protocol";
import type { ActionChain, LoggedAction } from "@tapedeck/sessions";
import { type ActionBody, decodeBody, encodeBody } from "./action-body.js";
import type { ActionChains } from "./action-chains.js";

/**
 * The action of a chain that has sent an order, or a list, under this one's name; undefined if there is none. A client that gets no answer sends its order
 * again, perhaps to another node, while the first request is still under way: the one that is written second finds the first.
 *
 * Rejects with `INVALID_VALUE` if it has no name, or if what has the name is another order; and as reading the log does.
 */
export async function sentBefore(
  body: ActionBody,
  chain: ActionChain | null,
  chains: Pick<ActionChains, "newestOf">,
): Promise<LoggedAction | undefined> {
  const name = nameOf(body);
  const field = body.kind === "place-list" ? "client_list_id" : "client_order_id";
  if (name === undefined) throw refused(`${field}: an order that is sent once needs one`);
  if (chain === null) return undefined;
  const isNamed = (line: string) => {
    if (!line.includes(name)) return false; // most lines need not be decoded
    const other = decodeBody(line);
    return other.kind === body.kind && nameOf(other) === name;
  };
  const found = await chains.newestOf(chain, isNamed);
  if (found !== undefined && found.body !== encodeBody(body))
    throw refused(`${field}: another order of the session, ${found.number}, has this name`);
  return found;
}

function nameOf(body: ActionBody): string | undefined {
  if (body.kind === "place") return body.order.clientOrderId;
  return body.kind === "place-list" ? body.list.clientListId : undefined;
}

function refused(why: string): RefusedError {
  return new RefusedError(refuse("INVALID_VALUE", `${why}. Nothing was changed.`));
}
