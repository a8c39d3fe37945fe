import { type BookLevel, type BookSideName, type DepthLink, OrderBook } from "@tapedeck/market";

/** Judges a book's messages by numbers of which each names its predecessor. */
export class NumberChain {
  #last: number | undefined;
  #interrupted = false;

  /** The connection was lost: what comes next may miss updates. */
  interrupt(): void {
    this.#interrupted = this.#last !== undefined;
  }

  /** A whole book. @param id that of the last update in it */
  whole(id: number): DepthLink {
    return this.#judge(true, id);
  }

  /** An update. The first one follows whatever is known, and a repeated one changes nothing. */
  update(previous: number, id: number): DepthLink {
    return this.#judge(this.#last === undefined || previous === this.#last || id === this.#last, id);
  }

  #judge(follows: boolean, id: number): DepthLink {
    const link = follows && !this.#interrupted ? "follows" : "broken";
    this.#interrupted = false;
    this.#last = id;
    return link;
  }
}

/**
 * Judges a book's messages by the checksum that each has of the best levels after it. A wrong one is a break, and so is the next wrong one
 * after a right one: until then the book may be mending itself.
 */
export class ChecksumChain {
  /** Undefined before the first whole book: nothing can be checked. */
  #right: boolean | undefined;
  #interrupted = false;

  /** The connection was lost: what comes next may miss updates. */
  interrupt(): void {
    this.#interrupted = this.#right !== undefined;
  }

  whole(): DepthLink {
    this.#right = true;
    return this.#linkOf(true);
  }

  /** An update. @param right whether its checksum is that of the book; undefined if it has none */
  update(right: boolean | undefined): DepthLink {
    const before = this.#right;
    if (before !== undefined && right !== undefined) this.#right = right;
    return this.#linkOf(before !== true || right !== false);
  }

  #linkOf(follows: boolean): DepthLink {
    const link = follows && !this.#interrupted ? "follows" : "broken";
    this.#interrupted = false;
    return link;
  }
}

/** A book that knows how its venue wrote each level: checksums cover those texts. */
export class WrittenBook {
  readonly #book = new OrderBook();
  readonly #texts: Readonly<Record<BookSideName, Map<number, string>>> = { bid: new Map(), ask: new Map() };

  clear(): void {
    this.#book.clear();
    for (const texts of Object.values(this.#texts)) texts.clear();
  }

  set(side: BookSideName, [price, size]: BookLevel, text: string): void {
    this.#book.set(side, price, size);
    if (size > 0) this.#texts[side].set(price, text);
    else this.#texts[side].delete(price);
  }

  /** Removes all but the best `count` levels of each side. */
  keep(count: number): void {
    for (const side of ["bid", "ask"] as const) {
      for (const price of this.#book.side(side).keep(count)) this.#texts[side].delete(price);
    }
  }

  /** Texts of the best levels, best first. */
  top(side: BookSideName, count: number): string[] {
    return this.#book
      .side(side)
      .top(count)
      .map(([price]) => this.#texts[side].get(price) ?? "");
  }
}
