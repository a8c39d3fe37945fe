import type { SessionOrder } from "@tapedeck/protocol";
import type { PlaybackController } from "../playback/playback-controller";
import { moveTo, onTick, workingPrice } from "../trading/orders/order-list";

interface OrderPlot {
  /** The working order that a press there takes hold of. In CSS pixels from the element's left and top edge. */
  orderAt(x: number, y: number): SessionOrder | undefined;
  priceAt(y: number): number | undefined;
}

/** An order under way, and the price at which it would be dropped. */
export interface DraggedOrder {
  readonly order: SessionOrder;
  readonly price: number;
}

/** A press that moves less is no drag, in CSS pixels. */
const leastPx = 3;

/**
 * Drags a working order to another price: its limit, or its trigger. Escape gives up. It listens before anything inside the element does, so that a press
 * on an order starts nothing else.
 */
export class OrderDrag {
  readonly #element: HTMLElement;
  readonly #playback: PlaybackController;
  readonly #plot: OrderPlot;
  readonly #ending = new AbortController();
  #drag: (DraggedOrder & { readonly fromY: number; readonly moved: boolean }) | undefined;

  constructor(element: HTMLElement, playback: PlaybackController, plot: OrderPlot) {
    this.#element = element;
    this.#playback = playback;
    this.#plot = plot;
    const { signal } = this.#ending;
    const first = { signal, capture: true };
    element.addEventListener("pointerdown", (event) => this.#onDown(event), first);
    element.addEventListener("pointermove", (event) => this.#onMove(event), first);
    element.addEventListener("pointerup", (event) => this.#onUp(event), first);
    element.addEventListener("pointercancel", () => this.#giveUp(), first);
    // Some charts listen to these instead of the pointer's.
    element.addEventListener("mousedown", (event) => this.#drag && event.stopImmediatePropagation(), first);
    element.addEventListener("touchstart", (event) => this.#onTouch(event), { ...first, passive: false });
    addEventListener("keydown", ({ key }) => key === "Escape" && this.#giveUp(), { signal });
  }

  get dragged(): DraggedOrder | undefined {
    return this.#drag;
  }

  dispose(): void {
    this.#ending.abort();
  }

  #placeOf({ clientX, clientY }: PointerEvent): { readonly x: number; readonly y: number } {
    const { left, top } = this.#element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  #onDown(event: PointerEvent): void {
    const { x, y } = this.#placeOf(event);
    const order = event.button === 0 ? this.#plot.orderAt(x, y) : undefined;
    const price = order && workingPrice(order);
    if (order === undefined || price === undefined || price === null) return;
    event.stopImmediatePropagation();
    this.#element.setPointerCapture(event.pointerId);
    this.#drag = { order, fromY: y, price, moved: false };
  }

  #onTouch(event: TouchEvent): void {
    if (!this.#drag) return;
    event.stopImmediatePropagation();
    event.preventDefault(); // the page would scroll
  }

  #onMove(event: PointerEvent): void {
    const { x, y } = this.#placeOf(event);
    if (!this.#drag) {
      this.#element.toggleAttribute("data-on-order", this.#plot.orderAt(x, y) !== undefined);
      return;
    }
    event.stopImmediatePropagation();
    const price = this.#plot.priceAt(y);
    const { instrument } = this.#playback.trading.store.getState();
    if (price === undefined || !instrument) return;
    if (!this.#drag.moved && Math.abs(y - this.#drag.fromY) < leastPx) return;
    this.#drag = { ...this.#drag, moved: true, price: Number(onTick(price, instrument)) };
    this.#playback.animation.invalidate();
  }

  #onUp(event: PointerEvent): void {
    const drag = this.#drag;
    if (!drag) return;
    event.stopImmediatePropagation();
    this.#giveUp();
    const { trading } = this.#playback;
    const { instrument } = trading.store.getState();
    if (!instrument || !drag.moved || drag.price === workingPrice(drag.order)) return;
    void trading.replace(drag.order.order_id, moveTo(drag.order, onTick(drag.price, instrument)));
  }

  #giveUp(): void {
    if (!this.#drag) return;
    this.#drag = undefined;
    this.#playback.animation.invalidate();
  }
}
