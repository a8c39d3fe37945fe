import { BinanceError } from "../http/binance-error.js";
import type { Parameters } from "../http/parameters.js";
import { noSuchOrder, unknownOrder } from "../orders/refusals.js";
import { isRefusalOf, type Outcome, type OwnAccount } from "./own-account.js";

interface Names {
  readonly id: string;
  readonly client: string;
}

const usual: Names = { id: "orderId", client: "origClientOrderId" };

/** The order that a request names. @throws BinanceError -1102 if it names none, -2013 if there is no such order */
export async function namedOrder(account: OwnAccount, parameters: Parameters, names = usual): Promise<Outcome> {
  const found = await account.find(namesOf(parameters, names));
  if (found === undefined) throw noSuchOrder();
  return found;
}

/** Cancels the order that a request names. @throws BinanceError -2011 if it is not open */
export async function cancelNamed(account: OwnAccount, parameters: Parameters, names = usual): Promise<Outcome> {
  const { orderId, clientOrderId } = namesOf(parameters, names);
  // By its id alone nothing has to be looked up.
  const id = clientOrderId === undefined ? orderId : await openId(account, { orderId, clientOrderId });
  if (id === undefined) throw unknownOrder();
  return asUnknown(() => account.cancel(id));
}

/** The answers -2011 that Binance has for an order which is not open. */
export async function asUnknown<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isRefusalOf(error, "ORDER_NOT_FOUND", "ORDER_NOT_OPEN")) throw unknownOrder();
    throw error;
  }
}

async function openId(
  account: OwnAccount,
  wanted: { readonly orderId: string | undefined; readonly clientOrderId: string },
): Promise<string | undefined> {
  const { open } = await account.balance();
  const found = open.find(({ client_order_id }) => client_order_id === wanted.clientOrderId)?.order_id;
  return wanted.orderId === undefined || wanted.orderId === found ? found : undefined;
}

function namesOf(parameters: Parameters, { id, client }: Names) {
  const orderId = parameters.integer(id);
  const clientOrderId = parameters.text(client);
  if (orderId !== undefined || clientOrderId !== undefined)
    return { orderId: orderId === undefined ? undefined : `${orderId}`, clientOrderId };
  const message = `Param '${client}' or '${id}' must be sent, but both were empty/null!`;
  throw new BinanceError("MANDATORY_PARAM_EMPTY_OR_MALFORMED", message);
}
