import { createStore, type StoreApi } from "zustand/vanilla";
import type { DepthChunk } from "../../playback/depth-chunk";
import { PriceFollower, type PriceSpan } from "./columns/price-grid";

/** Where the levels of a whole book are. */
export interface BookPrices {
  /** Of the lowest and the highest level. */
  readonly extremes: PriceSpan;
  /** Between these the book is known; where there is no limit, all but the few levels that are farthest away. */
  readonly known: PriceSpan;
}

interface PriceViewState {
  /** Whether the view moves with the price; otherwise it stays where the user scrolled. */
  readonly following: boolean;
  /** Whether it shows more prices than the best levels. */
  readonly deep: boolean;
  /** Whether it shows all prices at which the book is known. */
  readonly whole: boolean;
}

const atRest: PriceViewState = { following: true, deep: false, whole: false };

const leastZoom = 0.08;
/** How far one can zoom out where nothing is known behind the best levels. */
const shallowZoom = 6;

/** The prices that the heatmap shows: around the price, in a scale that the user chooses, or where the user scrolled. */
export class PriceView {
  readonly store: StoreApi<PriceViewState> = createStore<PriceViewState>(() => atRest);
  #follower = new PriceFollower();
  /** Height of the view in that of the best levels. */
  #zoom = 1;
  /** The prices of the best levels. */
  #best: PriceSpan | undefined;
  /** Where the user scrolled. */
  #scrolled: PriceSpan | undefined;
  #book: BookPrices | undefined;

  get span(): PriceSpan | undefined {
    return this.#scrolled ?? this.#follower.span;
  }

  /** For each paint, with the prices of the best levels. Returns true while the view is still moving towards them. */
  follow(best: PriceSpan): boolean {
    this.#best = best;
    if (this.store.getState().whole) this.#zoom = this.#zoomOfWhole(best);
    if (this.#scrolled) return false;
    return this.#follower.follow(scaled(best, this.#zoom));
  }

  /** What the whole book has; undefined while it is not known. */
  setBook(book: BookPrices | undefined): void {
    this.#book = book;
  }

  /** A factor above 1 shows more prices. While the view does not follow the price, the price at `about` stays where it is. */
  zoom(factor: number, about?: number): void {
    const most = this.#mostZoom();
    if (this.#scrolled) {
      const { low, high } = this.#scrolled;
      const size = heightOf(this.#best ?? this.#scrolled);
      const by = Math.min(most * size, Math.max(leastZoom * size, (high - low) * factor)) / (high - low);
      const fixed = about ?? (low + high) / 2;
      this.#scrolled = this.#clamped({ low: fixed - (fixed - low) * by, high: fixed + (high - fixed) * by });
      this.#zoom = heightOf(this.#scrolled) / size;
    } else {
      this.#zoom = Math.min(most, Math.max(leastZoom, this.#zoom * factor));
      this.#follower.reset();
    }
    this.#publish({ whole: false });
  }

  /** Moves the view, upwards if positive. From then on it stays there. */
  scroll(byPrice: number): void {
    const { span } = this;
    if (!span) return;
    this.#scrolled = this.#clamped({ low: span.low + byPrice, high: span.high + byPrice });
    this.#publish({ whole: false });
  }

  /** Moves with the price again, in the same scale. */
  followPrice(): void {
    this.#scrolled = undefined;
    this.#follower.reset();
    this.#publish({});
  }

  /** Shows all prices at which the book is known, around the price. */
  showWhole(): void {
    this.#scrolled = undefined;
    this.#follower.reset();
    this.#publish({ whole: true });
  }

  /** Shows the best levels, around the price. */
  reset(): void {
    this.#zoom = 1;
    this.#scrolled = undefined;
    this.#follower.reset();
    this.store.setState(atRest);
  }

  /** Without a market: the next one's prices are elsewhere. */
  forget(): void {
    this.#best = undefined;
    this.#book = undefined;
    this.#follower.reset();
    if (this.#scrolled) this.followPrice();
  }

  #publish(change: Partial<PriceViewState>): void {
    const whole = change.whole ?? this.store.getState().whole;
    const deep = whole || this.#zoom > 1 || this.#scrolled !== undefined;
    const next = { following: this.#scrolled === undefined, deep, whole };
    const now = this.store.getState();
    if (next.following !== now.following || deep !== now.deep || whole !== now.whole) this.store.setState(next);
  }

  #mostZoom(): number {
    if (!this.#book || !this.#best) return shallowZoom;
    return Math.max(shallowZoom, (1.1 * heightOf(this.#book.extremes)) / heightOf(this.#best));
  }

  /** The price is in the middle, so that both sides are seen to their ends. */
  #zoomOfWhole(best: PriceSpan): number {
    const known = this.#book?.known;
    if (!known) return shallowZoom;
    const middle = (best.low + best.high) / 2;
    const half = Math.max(middle - known.low, known.high - middle);
    return Math.max(1, (2.04 * half) / heightOf(best));
  }

  /** Within the book, or near the best levels where that is not known. */
  #clamped(span: PriceSpan): PriceSpan {
    const height = heightOf(span);
    const best = this.#best ?? span;
    const low = Math.min(this.#book?.extremes.low ?? best.low - height, best.low);
    const high = Math.max(this.#book?.extremes.high ?? best.high + height, best.high);
    const middle = Math.min(high, Math.max(low, (span.low + span.high) / 2));
    return { low: middle - height / 2, high: middle + height / 2 };
  }
}

function heightOf({ low, high }: PriceSpan): number {
  return Math.max(high - low, 1e-12);
}

function scaled({ low, high }: PriceSpan, zoom: number): PriceSpan {
  const middle = (low + high) / 2;
  const half = ((high - low) / 2) * zoom;
  return { low: middle - half, high: middle + half };
}

/** Of the last book in a chunk; undefined if it is empty. */
export function pricesOf(chunk: DepthChunk): BookPrices | undefined {
  const { levels, known } = chunk.bookAt(chunk.through);
  const prices = levels.map(([price]) => price).sort((a, b) => a - b);
  const at = (share: number) => prices[Math.round((prices.length - 1) * share)];
  const [low, high, nearLow, nearHigh] = [at(0), at(1), at(0.01), at(0.99)];
  if (low === undefined || high === undefined || nearLow === undefined || nearHigh === undefined) return undefined;
  return {
    extremes: { low, high },
    known: {
      low: Number.isFinite(known.low) ? known.low : nearLow,
      high: Number.isFinite(known.high) ? known.high : nearHigh,
    },
  };
}
