import type { TapePosition } from "@tapedeck/tape";
import { accountAnswers } from "../account/account-answers.js";
import type { OwnAccount } from "../account/own-account.js";
import { spotBalances } from "../account/session-trading.js";
import { BinanceError } from "../http/binance-error.js";
import type { Parameters } from "../http/parameters.js";
import type { ResponseType } from "./spot-forms.js";

export const { withAccount, withSymbol } = accountAnswers("spot");

/** @param place that the playhead has passed; absent: where it is */
export async function balances(account: OwnAccount, place?: TapePosition) {
  const { account: found } = await account.balance(place);
  if (found.kind !== "spot") throw new BinanceError("UNKNOWN", "The session has a futures account.");
  return spotBalances(found);
}

/** The form of the answer to a new order that a request asks for. */
export function responseTypeOf(parameters: Parameters, type: string): ResponseType {
  const given = parameters.oneOf("newOrderRespType", ["ACK", "RESULT", "FULL"]);
  return given ?? (type === "MARKET" || type === "LIMIT" ? "FULL" : "ACK");
}
