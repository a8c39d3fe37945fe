import type { Frame, Level } from "@tapedeck/protocol";
import type { Deck } from "../../deck/deck";
import type { Painted } from "../../deck/painter";
import { none, priceText, sizeText } from "../../design/format";
import { ink, theme } from "../../design/theme";
import { canvasFont, type Surface, surfaceOf, watchSize } from "../surface";

const rowHeight = 18;
const middleHeight = 30;

/** The book as a ladder: asks above, bids below, with their size as bars, and where one's own orders were filled. */
export class Ladder implements Painted {
  readonly everyMs = 0;
  #deck: Deck;
  #host: HTMLElement;
  #canvas = document.createElement("canvas");
  #width = 0;
  #height = 0;
  #undo: (() => void)[];
  #saidAt = -Infinity;

  constructor(host: HTMLElement, deck: Deck) {
    this.#deck = deck;
    this.#host = host;
    this.#canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%";
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", "Order book");
    host.append(this.#canvas);
    this.#undo = [
      watchSize(host, (width, height) => {
        this.#width = width;
        this.#height = height;
        deck.painter.wake();
      }),
      theme.subscribe(() => deck.painter.wake()),
      deck.painter.add(this),
    ];
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#host.replaceChildren();
  }

  picture(): HTMLCanvasElement {
    return this.#canvas;
  }

  // HOT: for each animation frame.
  paint(now: number): undefined {
    const surface = surfaceOf(this.#canvas, this.#width, this.#height);
    const shown = this.#deck.inspection.shown;
    if (!surface || !shown) return;
    const { frame } = shown;
    const rows = Math.min(20, Math.max(1, Math.floor((this.#height - middleHeight) / 2 / rowHeight)));
    const middle = Math.floor(this.#height / 2);
    const own = ownFills(this.#deck, frame);
    const asks = frame.asks.slice(0, rows);
    const bids = frame.bids.slice(0, rows);
    const most = Math.max(...asks.map(([, size]) => size), ...bids.map(([, size]) => size), 1e-12);
    const traded = new Set(frame.trades.slice(-50).map(({ price }) => price));
    asks.forEach((level, nth) => {
      const y = middle - middleHeight / 2 - (nth + 1) * rowHeight;
      this.#row(surface, level, y, "ask", most, traded.has(level[0]), own.get(level[0]));
    });
    bids.forEach((level, nth) => {
      const y = middle + middleHeight / 2 + nth * rowHeight;
      this.#row(surface, level, y, "bid", most, traded.has(level[0]), own.get(level[0]));
    });
    this.#middle(surface, frame, middle);
    this.#say(frame, now);
  }

  #row(
    { pen, width }: Surface,
    [price, size]: Level,
    y: number,
    side: "bid" | "ask",
    most: number,
    traded: boolean,
    own: number | undefined,
  ): void {
    const token = side === "bid" ? "buy" : "sell";
    const priceWidth = Math.min(96, width * 0.36);
    const left = (width - priceWidth) / 2;
    const right = left + priceWidth;
    const room = left - 8;
    const bar = room * Math.sqrt(size / most);
    if (size > 0) {
      pen.fillStyle = ink(`--${token}-dim`);
      if (side === "bid") pen.fillRect(left - bar, y + 1, bar, rowHeight - 2);
      else pen.fillRect(right, y + 1, bar, rowHeight - 2);
    }
    if (traded) {
      pen.fillStyle = ink("--accent-dim");
      pen.fillRect(left, y + 1, priceWidth, rowHeight - 2);
    }
    pen.textBaseline = "middle";
    pen.font = canvasFont(11.5, 500);
    pen.textAlign = "center";
    pen.fillStyle = size === 0 ? ink("--ink-3") : ink(`--${token}`);
    pen.fillText(size === 0 ? "·" : priceText(price, this.#deck.decimals), width / 2, y + rowHeight / 2 + 0.5);
    if (size > 0) {
      pen.font = canvasFont(11.5);
      pen.fillStyle = ink("--ink");
      pen.textAlign = side === "bid" ? "right" : "left";
      pen.fillText(sizeText(size), side === "bid" ? left - 6 : right + 6, y + rowHeight / 2 + 0.5);
    }
    if (own !== undefined) this.#own(pen, own, side === "bid" ? width - 6 : 6, y, side);
  }

  /** One's own trades at this price, on the side that the book leaves free. */
  #own(pen: CanvasRenderingContext2D, size: number, x: number, y: number, side: "bid" | "ask"): void {
    pen.font = canvasFont(10.5, 600);
    pen.textAlign = side === "bid" ? "right" : "left";
    pen.fillStyle = ink("--own");
    pen.fillText(`${size > 0 ? "B" : "S"} ${sizeText(Math.abs(size))}`, x, y + rowHeight / 2 + 0.5);
  }

  #middle({ pen, width }: Surface, frame: Frame, middle: number): void {
    const top = middle - middleHeight / 2;
    pen.fillStyle = ink("--raised");
    pen.fillRect(0, top, width, middleHeight);
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    pen.font = canvasFont(14, 650);
    pen.fillStyle = ink("--ink");
    pen.fillText(priceText(frame.mid_price, this.#deck.decimals + 1), width / 2, middle + 0.5);
    pen.font = canvasFont(10.5);
    pen.fillStyle = ink("--ink-3");
    pen.textAlign = "left";
    if (width > 190) pen.fillText("spread", 8, middle - 5.5);
    pen.fillText(
      frame.spread === null ? none : priceText(frame.spread, this.#deck.decimals),
      8,
      middle + (width > 190 ? 7 : 0),
    );
    pen.textAlign = "right";
    const share = frame.q_bid + frame.q_ask > 0 ? frame.q_bid / (frame.q_bid + frame.q_ask) : 0.5;
    if (width > 190) pen.fillText("bid share", width - 8, middle - 5.5);
    pen.fillText(`${Math.round(100 * share)} %`, width - 8, middle + (width > 190 ? 7 : 0));
  }

  /** What a screen reader says of it: seldom, since it would be read aloud. */
  #say({ best_bid, best_ask, symbol }: Frame, now: number): void {
    if (now - this.#saidAt < 2000) return;
    this.#saidAt = now;
    const text = `Order book of ${symbol}: best bid ${best_bid ?? "none"}, best ask ${best_ask ?? "none"}. All levels are in the inspector.`;
    this.#canvas.setAttribute("aria-label", text);
  }
}

/** Net size of one's own trades at each price of the book. */
function ownFills(deck: Deck, frame: Frame): ReadonlyMap<number, number> {
  const fills = new Map<number, number>();
  if (deck.store.getState().session?.mode !== "SIMULATION") return fills;
  for (const { own, price, size, side, seq } of deck.trades.items) {
    if (!own || seq > frame.seq) continue;
    fills.set(price, (fills.get(price) ?? 0) + (side === "sell" ? -size : size));
  }
  return fills;
}
