import { clockText, none, priceText, sizeText } from "../../design/format";
import type { AnimatedView } from "../../playback/animation-loop";
import type { LoggedTrade } from "../../playback/frame-values";
import type { PlaybackController } from "../../playback/playback-controller";
import { watchSize } from "../canvas-surface";
import { referenceSize } from "../heatmap/clusters";
import { useView } from "../view";
import styles from "./trades.module.css";

const columns = [
  ["Time (UTC)", ""],
  ["Price", ""],
  ["Size", ""],
  ["Eff. spread", "Effective spread: twice the distance from the mid price at the time of the trade, in price units"],
] as const;

const rowHeight = 19;
/** Extra rows above and below the visible ones, so that scrolling shows no blank space. */
const overscan = 4;

interface Row {
  readonly element: HTMLElement;
  readonly time: HTMLElement;
  readonly price: HTMLElement;
  readonly size: HTMLElement;
  readonly spread: HTMLElement;
  trade: LoggedTrade | undefined;
  /** Price and size decimals of the text, combined. */
  decimals: number;
  /** Index of its trade, from 0 for the oldest, so that it does not change when new trades arrive. */
  place: number;
}

/** Time and sales, newest on top. The document contains only the visible rows. */
class TradeList implements AnimatedView {
  readonly everyMs = 80;
  #playback: PlaybackController;
  #host: HTMLElement;
  #scroll = document.createElement("div");
  #space = document.createElement("div");
  /** Moves down with all rows as new trades arrive on top. */
  #strip = document.createElement("div");
  /** From top to bottom. */
  #rows: Row[] = [];
  #height = 0;
  #last: LoggedTrade | undefined;
  #large = { size: Infinity, at: -Infinity };
  #undo: (() => void)[];

  constructor(host: HTMLElement, playback: PlaybackController) {
    this.#playback = playback;
    this.#host = host;
    host.setAttribute("role", "table");
    host.setAttribute("aria-label", "Time and sales");
    const head = document.createElement("div");
    head.className = styles.head ?? "";
    head.setAttribute("role", "row");
    for (const [text, hint] of columns) {
      const cell = document.createElement("span");
      cell.setAttribute("role", "columnheader");
      cell.textContent = text;
      cell.title = hint;
      head.append(cell);
    }
    this.#scroll.className = styles.scroll ?? "";
    this.#scroll.setAttribute("role", "rowgroup");
    this.#scroll.tabIndex = 0;
    this.#scroll.setAttribute("aria-label", "Trades, newest first");
    this.#space.className = styles.space ?? "";
    this.#strip.className = styles.strip ?? "";
    for (const element of [this.#space, this.#strip]) element.setAttribute("role", "presentation");
    this.#space.append(this.#strip);
    this.#scroll.append(this.#space);
    host.append(head, this.#scroll);
    const scrolled = () => playback.animation.invalidate();
    this.#scroll.addEventListener("scroll", scrolled, { passive: true });
    this.#undo = [
      watchSize(this.#scroll, (_, height) => {
        this.#height = height;
        playback.animation.invalidate();
      }),
      playback.animation.add(this),
    ];
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#host.replaceChildren();
  }

  paint(now: number): undefined {
    const { trades, inspection } = this.#playback;
    const items = trades.items;
    const count = this.#countUpTo(items, inspection.store.getState().seq);
    const newest = items[count - 1];
    this.#keepPlace(items, count, newest);
    this.#last = newest;
    if (now - this.#large.at > 2000) this.#large = { size: referenceSize(items.map(clusterLike)) * 3, at: now };
    setStyle(this.#space, "height", `${count * rowHeight}px`);
    setStyle(this.#strip, "transform", `translateY(${(count - 1) * rowHeight}px)`);
    const first = Math.max(0, Math.floor(this.#scroll.scrollTop / rowHeight) - overscan);
    const wanted = Math.min(count - first, Math.ceil(this.#height / rowHeight) + 2 * overscan);
    while (this.#rows.length < wanted) this.#rows.push(this.#addRow());
    const top = count - 1 - first;
    this.#recycle(top - (this.#rows[0]?.place ?? top));
    this.#rows.forEach((row, nth) => {
      this.#show(row, nth < wanted ? items[top - nth] : undefined, top - nth);
    });
  }

  /** Moves rows from the bottom to the top for new trades, so that the others keep their content. */
  #recycle(fresh: number): void {
    if (fresh <= 0 || fresh >= this.#rows.length) return;
    const moved = this.#rows.splice(-fresh);
    this.#rows.unshift(...moved);
    this.#strip.prepend(...moved.map(({ element }) => element));
  }

  #show(row: Row, trade: LoggedTrade | undefined, place: number): void {
    const { element } = row;
    if (element.hidden !== (trade === undefined)) element.hidden = trade === undefined;
    if (row.place !== place) {
      row.place = place;
      element.style.transform = `translateY(${-place * rowHeight}px)`;
    }
    if (trade === undefined) return;
    const large = trade.size >= this.#large.size ? "yes" : "no";
    if (element.dataset.large !== large) element.dataset.large = large;
    const { decimals, sizeDecimals } = this.#playback;
    if (row.trade === trade && row.decimals === decimals * 10 + sizeDecimals) return;
    row.trade = trade;
    row.decimals = decimals * 10 + sizeDecimals;
    row.time.textContent = clockText(trade.ms);
    row.price.textContent = priceText(trade.price, decimals);
    row.size.textContent = sizeText(trade.size, sizeDecimals);
    row.spread.textContent = spreadText(trade.effectiveSpread, decimals);
    element.dataset.side = trade.side;
    element.dataset.own = trade.own ? "yes" : "no";
  }

  /** The trades up to the inspected frame. */
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

  /** Keeps the scroll position on the same trade while new ones arrive above it. */
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
    const [time, price, size, spread] = columns.map(() => {
      const cell = document.createElement("span");
      cell.setAttribute("role", "cell");
      element.append(cell);
      return cell;
    });
    this.#strip.append(element);
    if (!time || !price || !size || !spread) throw new Error("a row needs four cells");
    return { element, time, price, size, spread, trade: undefined, decimals: 0, place: -1 };
  }
}

function spreadText(spread: number | undefined, decimals: number): string {
  if (spread === undefined) return none;
  return spread < 0 ? `−${priceText(-spread, decimals)}` : priceText(spread, decimals);
}

const clusterLike = ({ ms, price, size, side, own }: LoggedTrade) => ({ ms, price, size, side, own });

/** Writing the same value again would cause a layout. */
function setStyle({ style }: HTMLElement, name: "height" | "transform", value: string): void {
  if (style[name] !== value) style[name] = value;
}

export function Trades() {
  const { host } = useView((element, playback) => new TradeList(element, playback));
  return <div ref={host} className={styles.host} />;
}
