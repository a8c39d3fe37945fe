import type { PlaybackController } from "../../playback/playback-controller";
import type { TicketMarket, TicketOrder } from "./order-ticket-state";

/** What the ticket's orders are of, at the newest frame; undefined without a tape that takes orders. */
export function marketNow({ trading, log }: Pick<PlaybackController, "trading" | "log">): TicketMarket | undefined {
  const timestamp = log.last?.frame.timestamp;
  return trading.market && { ...trading.market, tapeMs: timestamp === undefined ? undefined : Date.parse(timestamp) };
}

/** Sends what a ticket says, or shows what is wrong with it. */
export function sendTicket({ trading, notify }: Pick<PlaybackController, "trading" | "notify">, found: TicketOrder) {
  if ("problem" in found) notify("problem", found.problem);
  else if ("list" in found) void trading.placeList(found.list);
  else void trading.place(found.order);
}
