import type { Frame, Level } from "@tapedeck/protocol";
import { createStore, type StoreApi } from "zustand/vanilla";
import { none, priceText, sizeText } from "../../design/format";
import { theme, themeColour } from "../../design/theme";
import type { AnimatedView } from "../../playback/animation-loop";
import { frameDepth } from "../../playback/deep-book";
import { DerivedList } from "../../playback/frame-log";
import { gapsOf, type LoggedTrade, ownTradesOf } from "../../playback/frame-values";
import type { PlaybackController } from "../../playback/playback-controller";
import { canvasFont, type Surface, surfaceOf, watchSize } from "../canvas-surface";
import { LadderOrders, withOwnPrices } from "./ladder-orders";
import { listenToScroll } from "./ladder-scroll";
import { chipBox, drawChip, isInChip, type OrderChip, rowHeight } from "./order-chip";

const middleHeight = 30;

/** The content of a row. A row with the same content is not drawn again. */
interface Row {
  readonly price: string;
  readonly size: string;
  /** In CSS pixels. */
  readonly bar: number;
  readonly side: "buy" | "sell";
  readonly traded: boolean;
  /** The user's own trades at this price. */
  readonly own: string;
  /** Risk of the liquidity gap, 0 to 100; undefined if the level is not a gap. */
  readonly gap: number | undefined;
  /** The user's working orders at this price. */
  readonly chip: OrderChip | undefined;
}

/** A row as the pointer finds it. */
interface ShownRow {
  readonly price: number;
  readonly side: Row["side"];
  readonly chip: OrderChip | undefined;
}

interface RowMarks extends Pick<Row, "traded" | "gap" | "chip"> {
  /** The largest size in view. */
  readonly most: number;
  readonly own: number | undefined;
}

/** What a screen reader hears of. */
interface Described {
  readonly own: ReadonlyMap<number, number>;
  readonly chips: ReadonlyMap<number, OrderChip>;
  readonly rows: readonly Row[];
}

const orderText = ([price, { side, text }]: readonly [number, OrderChip]) => `${side} ${text} at ${price}`;

/** The order book as a ladder: asks above, bids below, sizes as bars, and the user's own fills. Scrolls to all levels that are known. */
export class Ladder implements AnimatedView {
  readonly everyMs = 0;
  /** Rows by which the best prices are above the middle; below it, if negative. */
  readonly scrolled: StoreApi<number> = createStore(() => 0);
  #playback: PlaybackController;
  #host: HTMLElement;
  #canvas = document.createElement("canvas");
  #own: DerivedList<LoggedTrade>;
  #width = 0;
  #height = 0;
  /** The content of each row on the canvas, by its y position. */
  #drawn = new Map<number, string>();
  #undo: (() => void)[];
  #describedAt = -Infinity;
  #describedOwn = 0;
  #describedScrolled = 0;
  /** How far one can scroll to either side. */
  #limits = { bids: 0, asks: 0 };
  readonly #redraw: () => void;
  /** What the rows show, by their y position. */
  #rows: ReadonlyMap<number, ShownRow> = new Map();
  readonly #orders: LadderOrders;

  constructor(host: HTMLElement, playback: PlaybackController) {
    this.#playback = playback;
    this.#host = host;
    this.#own = new DerivedList(playback.log, 1000, ownTradesOf);
    this.#canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%";
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", "Order book");
    host.append(this.#canvas);
    const redraw = () => {
      this.#drawn.clear();
      playback.animation.invalidate();
    };
    this.#redraw = redraw;
    this.#orders = new LadderOrders(this.#canvas, playback, {
      priceAt: (y) => this.#rowAt(y)?.price,
      sideAt: (x) => (x < this.#width / 2 ? "buy" : "sell"),
      chipAt: (x, y) => this.#chipAt(x, y),
      redraw: () => playback.animation.invalidate(),
    });
    this.#undo = [
      () => this.#orders.dispose(),
      listenToScroll(this.#canvas, {
        rowHeight,
        pageRows: () => this.#rowsOfSide(),
        scrollBy: (rows) => this.scrollBy(rows),
      }),
      watchSize(host, (width, height) => {
        this.#width = width;
        this.#height = height;
        redraw();
      }),
      theme.subscribe(redraw),
      playback.animation.add(this),
    ];
    // Text that was drawn before the fonts loaded is drawn again.
    void document.fonts.ready.then(redraw);
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#host.replaceChildren();
  }

  /** Moves towards the bids, or the asks if negative. Stops at the last level. */
  scrollBy(rows: number): void {
    const { bids, asks } = this.#limits;
    this.#scrollTo(Math.max(-asks, Math.min(bids, this.scrolled.getState() + rows)));
  }

  scrollToBest(): void {
    this.#scrollTo(0);
  }

  #scrollTo(rows: number): void {
    if (rows === this.scrolled.getState()) return;
    this.scrolled.setState(rows);
    this.#redraw();
  }

  /** Rows of one side while the best prices are in the middle. */
  #rowsOfSide(): number {
    return Math.max(1, Math.floor((this.#height - middleHeight) / 2 / rowHeight));
  }

  // HOT: for each animation frame.
  paint(now: number): undefined {
    const surface = surfaceOf(this.#canvas, this.#width, this.#height);
    const shown = this.#playback.inspection.shown;
    if (!surface) return;
    const before = this.#drawn;
    if (before.size === 0 || !shown) surface.pen.clearRect(0, 0, surface.width, surface.height);
    this.#drawn = new Map();
    if (!shown) return;
    const { frame } = shown;
    const scrolled = this.scrolled.getState();
    const middle = Math.floor(this.#height / 2) - scrolled * rowHeight;
    const chips = this.#orders.chips();
    const { bids, asks } = withOwnPrices(this.#sides(frame, scrolled), chips.keys(), frame);
    const rows = new Map<number, Row>();
    const inView = (y: number) => y >= 0 && y + rowHeight <= this.#height;
    const askAt = (nth: number) => middle - middleHeight / 2 - (nth + 1) * rowHeight;
    const bidAt = (nth: number) => middle + middleHeight / 2 + nth * rowHeight;
    const shownAsks = asks.map((level, nth) => ({ level, y: askAt(nth) })).filter(({ y }) => inView(y));
    const shownBids = bids.map((level, nth) => ({ level, y: bidAt(nth) })).filter(({ y }) => inView(y));
    const most = Math.max(...[...shownAsks, ...shownBids].map(({ level: [, size] }) => size), 1e-12);
    const traded = new Set(frame.trades.slice(-50).map(({ price }) => price));
    const own = this.#ownFills(frame);
    const gaps = new Map(gapsOf(frame).map(({ price, risk_score }) => [price, risk_score]));
    const shownRows = new Map<number, ShownRow>();
    const add = (level: Level, y: number, side: Row["side"]) => {
      const [price] = level;
      const chip = chips.get(price);
      rows.set(
        y,
        this.#row(level, side, { most, traded: traded.has(price), own: own.get(price), gap: gaps.get(price), chip }),
      );
      shownRows.set(y, { price, side, chip });
    };
    for (const { level, y } of shownAsks) add(level, y, "sell");
    for (const { level, y } of shownBids) add(level, y, "buy");
    this.#rows = shownRows;
    surface.pen.font = canvasFont(11.5);
    const sizeWidth = Math.max(...Array.from(rows.values(), ({ size }) => surface.pen.measureText(size).width));
    this.#draw(surface, rows, before, Math.ceil(sizeWidth));
    this.#middle(surface, frame, middle, before);
    this.#describe(frame, { own, chips, rows: [...rows.values()] }, now);
  }

  #sides(frame: Frame, scrolled: number): { readonly bids: readonly Level[]; readonly asks: readonly Level[] } {
    const rows = this.#rowsOfSide();
    if (scrolled === 0) {
      // Levels behind these have to be loaded, and are when somebody scrolls.
      this.#limits = { bids: frameDepth, asks: frameDepth };
      const count = Math.min(frameDepth, rows);
      return { bids: frame.bids.slice(0, count), asks: frame.asks.slice(0, count) };
    }
    const sides = this.#playback.deepBook.of(frame, Math.abs(scrolled) + 2 * rows);
    this.#limits = { bids: Math.max(0, sides.bidLevels - 1), asks: Math.max(0, sides.askLevels - 1) };
    return sides;
  }

  #row([price, size]: Level, side: Row["side"], { most, traded, own, gap, chip }: RowMarks): Row {
    const { decimals, sizeDecimals } = this.#playback;
    return {
      price: size === 0 && chip === undefined ? "·" : priceText(price, decimals),
      size: size === 0 ? "" : sizeText(size, sizeDecimals),
      bar: Math.round(this.#columns().room * Math.sqrt(size / most)),
      side,
      traded,
      own: own === undefined ? "" : `${own > 0 ? "B" : "S"} ${sizeText(Math.abs(own), sizeDecimals)}`,
      gap: size === 0 ? undefined : gap,
      chip,
    };
  }

  #rowAt(y: number): ShownRow | undefined {
    for (const [top, row] of this.#rows) if (y >= top && y < top + rowHeight) return row;
    return undefined;
  }

  /** The price of the working orders whose chip is there. */
  #chipAt(x: number, y: number): number | undefined {
    const row = this.#rowAt(y);
    if (row?.chip === undefined || row.chip.look === "preview") return undefined;
    return isInChip(x, chipBox(row.side, y, this.#columns())) ? row.price : undefined;
  }

  #columns(): { readonly left: number; readonly right: number; readonly room: number } {
    const priceWidth = Math.min(96, this.#width * 0.36);
    const left = (this.#width - priceWidth) / 2;
    return { left, right: left + priceWidth, room: left - 8 };
  }

  #draw({ pen, width }: Surface, rows: ReadonlyMap<number, Row>, before: Map<number, string>, sizeWidth: number): void {
    const { left, right } = this.#columns();
    // Sizes are right-aligned, so that their decimal points line up.
    const places = { buy: left - 6, sell: Math.min(width - 4, right + 6 + sizeWidth) };
    for (const [y, row] of rows) {
      const { price, size, bar, side, traded, own, gap, chip } = row;
      const order = chip && `${chip.look} ${chip.side} ${chip.text}`;
      const text = `${places[side]} ${side} ${price} ${size} ${bar} ${traded} ${own} ${gap} ${order}`;
      this.#drawn.set(y, text);
      if (before.get(y) === text) continue;
      const at = y + rowHeight / 2 + 0.5;
      pen.clearRect(0, y, width, rowHeight);
      pen.fillStyle = themeColour(`--${side}-dim`);
      pen.fillRect(side === "buy" ? left - bar : right, y + 1, bar, rowHeight - 2);
      if (traded) {
        pen.fillStyle = themeColour("--accent-dim");
        pen.fillRect(left, y + 1, right - left, rowHeight - 2);
      }
      pen.textBaseline = "middle";
      pen.font = canvasFont(11.5, 500);
      pen.textAlign = "center";
      pen.fillStyle = size === "" ? themeColour("--ink-3") : themeColour(`--${side}`);
      pen.fillText(price, width / 2, at);
      pen.font = canvasFont(11.5);
      pen.fillStyle = themeColour("--ink");
      pen.textAlign = "right";
      pen.fillText(size, places[side], at);
      // The rest goes on the side without size bars.
      if (gap !== undefined) {
        pen.font = canvasFont(10.5, 500);
        pen.textAlign = side === "buy" ? "left" : "right";
        pen.fillStyle = themeColour("--medium");
        const risk = own === "" ? `gap ${gap}` : "gap";
        if (chip === undefined) pen.fillText(risk, side === "buy" ? right + 6 : left - 6, at);
        pen.strokeStyle = themeColour("--medium");
        pen.lineWidth = 1;
        pen.setLineDash([3, 2]);
        pen.strokeRect(left + 0.5, y + 1.5, right - left - 1, rowHeight - 3);
        pen.setLineDash([]);
      }
      if (chip) drawChip(pen, chip, chipBox(side, y, { left, right }));
      if (own === "") continue;
      pen.font = canvasFont(10.5, 600);
      pen.textAlign = side === "buy" ? "right" : "left";
      pen.fillStyle = themeColour("--own");
      pen.fillText(own, side === "buy" ? width - 6 : 6, at);
    }
    for (const y of before.keys()) {
      if (!rows.has(y) && y !== middleKey) pen.clearRect(0, y, width, rowHeight);
    }
  }

  #middle({ pen, width }: Surface, frame: Frame, middle: number, before: ReadonlyMap<number, string>): void {
    const { decimals } = this.#playback;
    const mid = priceText(frame.mid_price, decimals + 1);
    const spread = frame.spread === null ? none : priceText(frame.spread, decimals);
    const total = frame.q_bid + frame.q_ask;
    const share = `${Math.round(total > 0 ? (100 * frame.q_bid) / total : 50)} %`;
    const text = `${middle} ${mid} ${spread} ${share}`;
    this.#drawn.set(middleKey, text);
    if (before.get(middleKey) === text) return;
    pen.fillStyle = themeColour("--raised");
    pen.fillRect(0, middle - middleHeight / 2, width, middleHeight);
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    pen.font = canvasFont(14, 650);
    pen.fillStyle = themeColour("--ink");
    pen.fillText(mid, width / 2, middle + 0.5);
    pen.font = canvasFont(10.5);
    pen.fillStyle = themeColour("--ink-3");
    const wide = width > 190;
    pen.textAlign = "left";
    if (wide) pen.fillText("spread", 8, middle - 5.5);
    pen.fillText(spread, 8, middle + (wide ? 7 : 0));
    pen.textAlign = "right";
    if (wide) pen.fillText("bid share", width - 8, middle - 5.5);
    pen.fillText(share, width - 8, middle + (wide ? 7 : 0));
  }

  /** Net size of the user's own trades at each price, up to the shown frame. */
  #ownFills({ seq: upTo }: Frame): ReadonlyMap<number, number> {
    const fills = new Map<number, number>();
    for (const { price, size, side, seq } of this.#own.items) {
      if (seq <= upTo) fills.set(price, (fills.get(price) ?? 0) + (side === "sell" ? -size : size));
    }
    return fills;
  }

  /** The description for screen readers, which read each change aloud, so it changes rarely. */
  #describe(frame: Frame, { own, chips, rows }: Described, now: number): void {
    const scrolled = this.scrolled.getState();
    const changed = own.size !== this.#describedOwn || scrolled !== this.#describedScrolled;
    if (!changed && now - this.#describedAt < 2000) return;
    this.#describedAt = now;
    this.#describedOwn = own.size;
    this.#describedScrolled = scrolled;
    const prices = rows.map(({ price }) => Number(price.replaceAll(",", ""))).sort((a, b) => a - b);
    const { best_bid, best_ask, symbol } = frame;
    const gaps = gapsOf(frame).map(({ price, risk_score }) => `${price} (risk ${risk_score})`);
    const traded = Array.from(
      own,
      ([price, size]) => `${size > 0 ? "+" : "−"}${Number(Math.abs(size).toPrecision(8))} at ${price}`,
    );
    const sentences = [
      `Order book of ${symbol}: best bid ${best_bid ?? "none"}, best ask ${best_ask ?? "none"}.`,
      ...(scrolled === 0 ? [] : [`Scrolled: prices from ${prices[0] ?? "none"} to ${prices.at(-1) ?? "none"}.`]),
      ...(gaps.length > 0 ? [`Gaps: ${gaps.join(", ")}.`] : []),
      ...(traded.length > 0 ? [`Your trades: ${traded.join(", ")}.`] : []),
      ...(chips.size > 0 ? [`Your orders: ${[...chips].map(orderText).join(", ")}.`] : []),
      "The inspector lists all levels.",
    ];
    this.#canvas.setAttribute("aria-label", sentences.join(" "));
  }
}

/** Stands for the bar in the middle in place of a y position. */
const middleKey = -1000;
