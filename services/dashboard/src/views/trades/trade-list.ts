import type { Deck } from "../../deck/deck";
import type { LoggedTrade } from "../../deck/frame-values";
import type { Painted } from "../../deck/painter";
import { clockText, priceText, sizeText } from "../../design/format";
import { usualSize } from "../heatmap/clusters";
import { watchSize } from "../surface";
import styles from "./trade-list.module.css";

const rowHeight = 19;
/** Spare rows above and below what is in sight, so that scrolling shows no hole. */
const spare = 4;

interface Row {
  readonly element: HTMLElement;
  readonly time: HTMLElement;
  readonly price: HTMLElement;
  readonly size: HTMLElement;
}

/** Time and sales: newest on top, as many rows in the document as fit in sight, however long the list is. */
export class TradeList implements Painted {
  readonly everyMs = 80;
  #deck: Deck;
  #host: HTMLElement;
  #scroll = document.createElement("div");
  #space = document.createElement("div");
  #rows: Row[] = [];
  #height = 0;
  #last: LoggedTrade | undefined;
  #large = { size: Infinity, at: -Infinity };
  #undo: (() => void)[];

  constructor(host: HTMLElement, deck: Deck) {
    this.#deck = deck;
    this.#host = host;
    host.setAttribute("role", "table");
    host.setAttribute("aria-label", "Time and sales");
    const head = document.createElement("div");
    head.className = styles.head ?? "";
    head.setAttribute("role", "row");
    for (const text of ["Time (UTC)", "Price", "Size"]) {
      const cell = document.createElement("span");
      cell.setAttribute("role", "columnheader");
      cell.textContent = text;
      head.append(cell);
    }
    this.#scroll.className = styles.scroll ?? "";
    this.#scroll.setAttribute("role", "rowgroup");
    this.#scroll.tabIndex = 0;
    this.#scroll.setAttribute("aria-label", "Trades, newest first");
    this.#space.className = styles.space ?? "";
    this.#space.setAttribute("role", "presentation");
    this.#scroll.append(this.#space);
    host.append(head, this.#scroll);
    const scrolled = () => deck.painter.wake();
    this.#scroll.addEventListener("scroll", scrolled, { passive: true });
    this.#undo = [
      watchSize(this.#scroll, (_, height) => {
        this.#height = height;
        deck.painter.wake();
      }),
      deck.painter.add(this),
    ];
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#host.replaceChildren();
  }

  paint(now: number): undefined {
    const { trades, inspection } = this.#deck;
    const items = trades.items;
    const count = this.#countUpTo(items, inspection.store.getState().seq);
    const newest = items[count - 1];
    this.#keepPlace(items, count, newest);
    this.#last = newest;
    if (now - this.#large.at > 2000) this.#large = { size: usualSize(items.map(clusterLike)) * 3, at: now };
    const height = `${count * rowHeight}px`;
    if (this.#space.style.height !== height) this.#space.style.height = height;
    const first = Math.max(0, Math.floor(this.#scroll.scrollTop / rowHeight) - spare);
    const wanted = Math.min(count - first, Math.ceil(this.#height / rowHeight) + 2 * spare);
    while (this.#rows.length < wanted) this.#rows.push(this.#addRow());
    this.#rows.forEach((row, nth) => {
      const trade = nth < wanted ? items[count - 1 - first - nth] : undefined;
      show(row, trade, (first + nth) * rowHeight, this.#deck.decimals, this.#large.size);
    });
  }

  /** At a past moment: what had been traded until then. */
  #countUpTo(items: readonly LoggedTrade[], seq: number | undefined): number {
    if (seq === undefined) return items.length;
    let [low, high] = [0, items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((items[middle]?.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Someone who has scrolled down keeps what they look at, while new trades come in above it. */
  #keepPlace(items: readonly LoggedTrade[], count: number, newest: LoggedTrade | undefined): void {
    if (this.#scroll.scrollTop < rowHeight || newest === this.#last || this.#last === undefined) return;
    const before = items.lastIndexOf(this.#last, count - 1);
    if (before >= 0) {
      this.#space.style.height = `${count * rowHeight}px`;
      this.#scroll.scrollTop += (count - 1 - before) * rowHeight;
    }
  }

  #addRow(): Row {
    const element = document.createElement("div");
    element.className = styles.row ?? "";
    element.setAttribute("role", "row");
    const [time, price, size] = [0, 1, 2].map(() => {
      const cell = document.createElement("span");
      cell.setAttribute("role", "cell");
      element.append(cell);
      return cell;
    });
    this.#space.append(element);
    if (!time || !price || !size) throw new Error("a row has three cells");
    return { element, time, price, size };
  }
}

const clusterLike = ({ ms, price, size, side, own }: LoggedTrade) => ({ ms, price, size, side, own });

function show(row: Row, trade: LoggedTrade | undefined, top: number, decimals: number, large: number): void {
  const { element } = row;
  element.hidden = trade === undefined;
  if (!trade) return;
  const transform = `translateY(${top}px)`;
  if (element.style.transform !== transform) element.style.transform = transform;
  setText(row.time, clockText(trade.ms));
  setText(row.price, priceText(trade.price, decimals));
  setText(row.size, sizeText(trade.size));
  element.dataset.side = trade.side;
  element.dataset.large = trade.size >= large ? "yes" : "no";
  element.dataset.own = trade.own ? "yes" : "no";
}

/** Writing the same text again would lay the row out again. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
