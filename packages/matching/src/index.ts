export type {
  AccountView,
  Action,
  DoneReason,
  Fill,
  NewOrder,
  NewOrderList,
  Output,
  TimeInForce,
} from "./actions.js";
export { MatchingEngine } from "./engine.js";
export { larger } from "./larger.js";
export { isConditional, isPriced, type OrderSide, type OrderType, orderTypes } from "./orders/order-types.js";
export type { RefusalCode } from "./refusals.js";
export {
  InvalidSettings,
  type MatchingSettings,
  type MatchingSettingsInput,
  parseSettings,
  type QueueSettings,
} from "./settings.js";
export type { EngineState, TapeState } from "./state.js";
export type { TapeEvent, TapeLevel, TapeOrder, TapeOrders, TapeTrade, TapeUpdate } from "./tape-events.js";
