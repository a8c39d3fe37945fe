import type { Frame, FullBookView, Level } from "@tapedeck/protocol";
import type { StoreApi } from "zustand/vanilla";
import { type ClusterAddress, loadBook, type TrackOwner, trackOwnerOf } from "../cluster-api";
import type { AnimationLoop } from "./animation-loop";
import type { PageState } from "./page-state";
import { RequestPacing } from "./request-pacing";

/** Whose book it is. */
interface ShownSession {
  readonly store: StoreApi<PageState>;
  readonly address: ClusterAddress;
  readonly isPlaying: boolean;
  readonly animation: AnimationLoop;
}

/** The levels of both sides, best first: those of the frame, and behind them those of the whole book. */
export interface DeepSides {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  /** How many the book has, also those that are not loaded. */
  readonly bidLevels: number;
  readonly askLevels: number;
}

interface LoadedBook extends DeepSides {
  readonly tape: string;
  readonly seq: number;
  /** Levels of each side that were asked for. */
  readonly depth: number;
}

/** Levels of each side that a frame has. */
export const frameDepth = 20;
/** Fewer are not worth a request. */
const leastDepth = 100;
/** While it plays, levels behind the frame's are as old as this. */
const everyMs = 1000;

/**
 * The levels behind those of frames, from the tape's event track. They are loaded for the frame that is shown, while a view asks for them;
 * while it plays once a second, since the best levels are those of each frame anyway.
 */
export class DeepBook {
  readonly #shown: ShownSession;
  readonly #pacing: RequestPacing;
  #book: LoadedBook | undefined;

  constructor(shown: ShownSession) {
    this.#shown = shown;
    this.#pacing = new RequestPacing(shown.animation);
  }

  /**
   * The sides of a frame's book as far as they are known now; loads what is missing, and then invalidates the views.
   *
   * @param depth levels of each side that are wanted
   */
  of(frame: Frame, depth: number): DeepSides {
    const { session, tape } = this.#shown.store.getState();
    const owner = trackOwnerOf(session);
    const { bids, asks } = { bids: present(frame.bids), asks: present(frame.asks) };
    if (!tape?.event_track || !owner) return { bids, asks, bidLevels: bids.length, askLevels: asks.length };
    if (this.#book?.tape !== owner.tape) this.#book = undefined;
    const book = this.#book;
    const known = book?.seq === frame.seq && book.depth >= depth;
    if (!known && depth > frameDepth) {
      this.#pacing.request(() => this.#load(owner, frame.seq, Math.max(depth, leastDepth)));
    }
    return {
      bids: [...bids, ...behind(bids.at(-1), book?.bids ?? [], -1)],
      asks: [...asks, ...behind(asks.at(-1), book?.asks ?? [], 1)],
      bidLevels: Math.max(bids.length, book?.bidLevels ?? 0),
      askLevels: Math.max(asks.length, book?.askLevels ?? 0),
    };
  }

  async #load(owner: TrackOwner, seq: number, depth: number): Promise<void> {
    this.#pacing.notBefore = performance.now() + (this.#shown.isPlaying ? everyMs : 0);
    const book = await loadBook(this.#shown.address, owner, { seq, depth });
    this.#book = {
      ...{ tape: owner.tape, seq, depth, bids: numbersOf(book.bids), asks: numbersOf(book.asks) },
      ...{ bidLevels: book.bid_levels, askLevels: book.ask_levels },
    };
  }
}

/** Frames have empty levels where a book is thin. */
function present(levels: readonly Level[]): readonly Level[] {
  return levels.filter(([, size]) => size > 0);
}

/** Once for a loaded book: the views ask at each of their paints. */
function numbersOf(levels: FullBookView["bids"]): readonly Level[] {
  return levels.map(([price, size]): Level => [Number(price), Number(size)]);
}

/** Those beyond the last one, away from the other side. The book may be of another frame. */
function behind([last]: Level | readonly [] = [], levels: readonly Level[], away: 1 | -1): readonly Level[] {
  return last === undefined ? levels : levels.filter(([price]) => away * (price - last) > 0);
}
