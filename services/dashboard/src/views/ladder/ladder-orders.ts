import type { Frame, Level, SessionOrder } from "@tapedeck/protocol";
import type { PlaybackController } from "../../playback/playback-controller";
import { kindOf, moveTo, onTick, openAmount, workingPrice } from "../../trading/orders/order-list";
import { clickSize, fillPriceIn, orderAtPrice, type Side, ticket } from "../../trading/ticket/order-ticket-state";
import { marketNow, sendTicket } from "../../trading/ticket/send-ticket";
import type { OrderChip } from "./order-chip";

/** The rows of the ladder, by what is under the pointer. In CSS pixels from the canvas's left and top edge. */
interface LadderRows {
  priceAt(y: number): number | undefined;
  /** Left of the prices is the side of buys. */
  sideAt(x: number): Side;
  /** The price whose chip is there. */
  chipAt(x: number, y: number): number | undefined;
  redraw(): void;
}

/** A press that moves farther is a drag, not a click. */
const clickPx = 4;

/**
 * The user's orders in the ladder. Dragging a chip moves its orders to another price. A click with Ctrl or ⌘, or in click trading, places the
 * ticket's order at that price; any other click only fills the price into the ticket.
 */
export class LadderOrders {
  readonly #playback: PlaybackController;
  readonly #rows: LadderRows;
  readonly #ending = new AbortController();
  #drag: { readonly orders: readonly SessionOrder[]; readonly from: number; to: number } | undefined;
  #press: { readonly x: number; readonly y: number } | undefined;
  #hover: { readonly price: number; readonly side: Side } | undefined;

  /** Has to listen before anything else that a press on the canvas would start. */
  constructor(canvas: HTMLCanvasElement, playback: PlaybackController, rows: LadderRows) {
    this.#playback = playback;
    this.#rows = rows;
    const { signal } = this.#ending;
    canvas.addEventListener("pointerdown", (event) => this.#onDown(event), { signal });
    canvas.addEventListener("pointermove", (event) => this.#onMove(event, canvas), { signal });
    canvas.addEventListener("pointerup", (event) => this.#onUp(event), { signal });
    canvas.addEventListener("pointerleave", () => this.#setHover(undefined), { signal });
    canvas.addEventListener("pointercancel", () => this.#giveUp(), { signal });
    addEventListener("keydown", ({ key }) => key === "Escape" && this.#giveUp(), { signal });
  }

  dispose(): void {
    this.#ending.abort();
  }

  /** What each row shows, by price: nothing while a past moment is inspected. */
  chips(): ReadonlyMap<number, OrderChip> {
    const chips = new Map<number, OrderChip>();
    if (this.#isInspecting) return chips;
    const drag = this.#drag;
    for (const [price, orders] of this.#byPrice()) {
      chips.set(price, chipOf(orders, drag && drag.from === price && drag.to !== price ? "moved" : undefined));
    }
    if (drag && drag.to !== drag.from) chips.set(drag.to, chipOf(drag.orders, "moving"));
    else if (this.#hover && !chips.has(this.#hover.price)) {
      const { price, side } = this.#hover;
      const { market } = this.#playback.trading;
      const size = market && clickSize(ticket.getState(), market.account);
      if (size !== undefined) chips.set(price, { text: `${side} ${size}`, side, look: "preview" });
    }
    return chips;
  }

  #byPrice(): ReadonlyMap<number, readonly SessionOrder[]> {
    const found = new Map<number, SessionOrder[]>();
    for (const order of this.#playback.trading.working) {
      const price = workingPrice(order);
      if (price !== null) found.set(price, [...(found.get(price) ?? []), order]);
    }
    return found;
  }

  get #isInspecting(): boolean {
    return this.#playback.inspection.store.getState().seq !== undefined;
  }

  #onDown(event: PointerEvent): void {
    const { offsetX: x, offsetY: y, button } = event;
    if (button !== 0) return;
    this.#press = { x, y };
    const price = this.#isInspecting ? undefined : this.#rows.chipAt(x, y);
    const orders = price === undefined ? [] : (this.#byPrice().get(price) ?? []);
    if (price === undefined || orders.length === 0) return;
    event.stopImmediatePropagation();
    if (event.target instanceof Element) event.target.setPointerCapture(event.pointerId);
    this.#drag = { orders, from: price, to: price };
    this.#press = undefined;
  }

  #onMove(event: PointerEvent, canvas: HTMLCanvasElement): void {
    const { offsetX: x, offsetY: y } = event;
    if (this.#drag) {
      const price = this.#rows.priceAt(y);
      if (price === undefined || price === this.#drag.to) return;
      this.#drag.to = price;
      this.#rows.redraw();
      return;
    }
    const isOnChip = this.#rows.chipAt(x, y) !== undefined;
    const price = isOnChip ? undefined : this.#rows.priceAt(y);
    const armed = this.#places(event) && event.buttons === 0 && !this.#isInspecting;
    this.#setHover(armed && price !== undefined ? { price, side: this.#rows.sideAt(x) } : undefined);
    const cursor = isOnChip ? "grab" : armed ? "crosshair" : "";
    if (canvas.style.cursor !== cursor) canvas.style.cursor = cursor;
  }

  #onUp(event: PointerEvent): void {
    const drag = this.#drag;
    const press = this.#press;
    this.#drag = undefined;
    this.#press = undefined;
    const { offsetX: x, offsetY: y } = event;
    if (drag) {
      event.stopImmediatePropagation();
      this.#rows.redraw();
      if (drag.to !== drag.from) this.#move(drag.orders, drag.to);
      return;
    }
    if (!press || Math.hypot(x - press.x, y - press.y) > clickPx) return;
    const price = this.#rows.priceAt(y);
    const market = marketNow(this.#playback);
    if (price === undefined || !market) return;
    if (!this.#places(event) || this.#isInspecting) {
      fillPriceIn(price, market);
      return;
    }
    sendTicket(this.#playback, orderAtPrice(ticket.getState(), this.#rows.sideAt(x), price, market));
  }

  #move(orders: readonly SessionOrder[], price: number): void {
    const { trading } = this.#playback;
    const { instrument } = trading.store.getState();
    if (!instrument) return;
    for (const order of orders) void trading.replace(order.order_id, moveTo(order, onTick(price, instrument)));
  }

  /** Whether a click places an order. */
  #places({ ctrlKey, metaKey }: PointerEvent): boolean {
    return ctrlKey || metaKey || ticket.getState().clickTrading;
  }

  #setHover(hover: { readonly price: number; readonly side: Side } | undefined): void {
    if (hover?.price === this.#hover?.price && hover?.side === this.#hover?.side) return;
    this.#hover = hover;
    this.#rows.redraw();
  }

  #giveUp(): void {
    this.#press = undefined;
    if (!this.#drag) return;
    this.#drag = undefined;
    this.#rows.redraw();
  }
}

function chipOf(orders: readonly SessionOrder[], look: OrderChip["look"] | undefined): OrderChip {
  const [first] = orders;
  const kind = first === undefined ? "" : kindOf(first);
  const closes = kind !== "" && orders.some(({ close_position }) => close_position === true);
  const open = closes ? "all" : Number(orders.reduce((sum, order) => sum + openAmount(order), 0).toPrecision(8));
  const pending = orders.every(({ status }) => status === "PENDING");
  return {
    text: kind === "" ? `${open}` : `${kind} ${open}`,
    side: first?.side ?? "buy",
    look: look ?? (pending ? "pending" : "working"),
  };
}

/** Both sides of a book, with rows of size 0 at the given prices where it has no level, as far as the rows reach. */
export function withOwnPrices(
  { bids, asks }: { readonly bids: readonly Level[]; readonly asks: readonly Level[] },
  prices: Iterable<number>,
  { mid_price }: Pick<Frame, "mid_price">,
): { readonly bids: readonly Level[]; readonly asks: readonly Level[] } {
  const missing = Array.from(prices);
  if (missing.length === 0) return { bids, asks };
  const lowest = bids.at(-1)?.[0] ?? Infinity;
  const highest = asks.at(-1)?.[0] ?? -Infinity;
  const below = missing.filter((price) => price <= mid_price && price >= lowest && !bids.some(([at]) => at === price));
  const above = missing.filter((price) => price > mid_price && price <= highest && !asks.some(([at]) => at === price));
  const rowOf = (price: number): Level => [price, 0];
  return {
    bids: below.length === 0 ? bids : [...bids, ...below.map(rowOf)].sort(([a], [b]) => b - a),
    asks: above.length === 0 ? asks : [...asks, ...above.map(rowOf)].sort(([a], [b]) => a - b),
  };
}
