import type { TapePosition } from "@tapedeck/tape";
import type { KeyedRoute } from "../access/signed-route.js";
import { product, sum } from "../account/decimals.js";
import { type Outcome, OwnAccount } from "../account/own-account.js";
import { ownOrder, spotBalances } from "../account/session-trading.js";
import { BinanceError } from "../http/binance-error.js";
import type { Parameters } from "../http/parameters.js";
import type { ResponseType } from "./spot-forms.js";

type Answer = (account: OwnAccount, parameters: Parameters) => unknown;

/** Answers from the session's spot account, whichever symbol is asked for. */
export function withAccount(answer: Answer): KeyedRoute["handle"] {
  return async ({ session, parameters }, venue) => answer(await OwnAccount.open(session, "spot", venue), parameters);
}

/** Answers where the request names the session's symbol. */
export function withSymbol(answer: Answer): KeyedRoute["handle"] {
  return async ({ session, parameters }, venue) => {
    const symbol = parameters.required("symbol");
    const account = await OwnAccount.open(session, "spot", venue);
    account.checkSymbol(symbol);
    return answer(account, parameters);
  };
}

export const own = (account: OwnAccount, { order, fills }: Outcome) =>
  ownOrder(order, sum("0", ...fills.map(({ price, amount }) => product(price, amount))), account.timeOf);

/** @param place that the playhead has passed; absent: where it is */
export async function balances(account: OwnAccount, place?: TapePosition) {
  const { account: found } = await account.balance(place);
  if (found.kind !== "spot") throw new BinanceError("UNKNOWN", "The account is no spot account.");
  return spotBalances(found);
}

/** The form of the answer to a new order that a request asks for. */
export function responseTypeOf(parameters: Parameters, type: string): ResponseType {
  const given = parameters.oneOf("newOrderRespType", ["ACK", "RESULT", "FULL"]);
  return given ?? (type === "MARKET" || type === "LIMIT" ? "FULL" : "ACK");
}
