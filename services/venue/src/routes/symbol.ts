import type { Venue } from "../context.js";
import { BinanceError } from "../http/binance-error.js";
import type { VenueRequest } from "../http/request.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import type { Player } from "../player/player.js";

/** The session's market, as a request sees it. */
export interface RequestedMarket {
  readonly player: Player;
  readonly epoch: PlayedEpoch;
}

/** The market of a request. Rejects as `Players.get` and `Player.epoch` do. */
export async function marketOf({ session }: VenueRequest, { players }: Venue): Promise<RequestedMarket> {
  const player = await players.get(session);
  return { player, epoch: await player.epoch() };
}

/** The market of a request that names its symbol. Rejects with -1102 without one, and with -1121 if the session plays another. */
export async function symbolMarketOf(request: VenueRequest, venue: Venue): Promise<RequestedMarket> {
  const symbol = request.parameters.required("symbol");
  const market = await marketOf(request, venue);
  checkSymbol(symbol, market.epoch);
  return market;
}

/** @throws BinanceError -1121 */
export function checkSymbol(symbol: string, { symbol: listed }: PlayedEpoch): void {
  if (symbol === listed.symbol) return;
  throw new BinanceError("BAD_SYMBOL", `Invalid symbol. The session's market is ${listed.symbol}.`);
}
