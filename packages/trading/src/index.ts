export type { ActionRequest, OrderRequest } from "./actions/plan-action.js";
export { engineEvents, type VenueEvent } from "./events/engine-events.js";
export { frameTime, tapeTime } from "./events/tape-clock.js";
export type { TradingMessage } from "./ledger/ledger.js";
export type { OrderName, OrderStanding, Standing } from "./ledger/standing.js";
export { hasActions, type TradingRecord } from "./replay/session-replays.js";
export type { ChainSettings } from "./settings.js";
export { type Performed, type PerformedOrder, type Told, Trading } from "./trading.js";
