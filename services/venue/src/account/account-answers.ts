import type { KeyedRoute } from "../access/signed-route.js";
import type { Venue } from "../context.js";
import type { Parameters } from "../http/parameters.js";
import type { VenueRequest } from "../http/request.js";
import type { Market } from "../http/target.js";
import { product, sum } from "./decimals.js";
import type { OwnOrder } from "./own.js";
import { type Outcome, OwnAccount } from "./own-account.js";
import { ownOrder } from "./session-trading.js";

type Answer = (account: OwnAccount, parameters: Parameters) => unknown;

/** What routes of a market have in common: they answer from the session's account. */
export function accountAnswers(market: Market) {
  const accountOf = ({ session }: VenueRequest, venue: Venue) => OwnAccount.open(session, market, venue);
  return {
    /** Whichever symbol is asked for. */
    withAccount(answer: Answer): KeyedRoute["handle"] {
      return async (request, venue) => answer(await accountOf(request, venue), request.parameters);
    },
    /** Where the request names the session's symbol. */
    withSymbol(answer: Answer): KeyedRoute["handle"] {
      return async (request, venue) => {
        const symbol = request.parameters.required("symbol");
        const account = await accountOf(request, venue);
        account.checkSymbol(symbol);
        return answer(account, request.parameters);
      };
    },
  };
}

/** An order with its fills, as the venue's messages need it. */
export function own(account: OwnAccount, { order, fills }: Outcome): OwnOrder {
  return ownOrder(order, sum("0", ...fills.map(({ price, amount }) => product(price, amount))), account.timeOf);
}
