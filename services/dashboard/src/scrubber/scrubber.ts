import type { Deck } from "../deck/deck";
import type { Painted } from "../deck/painter";
import { theme } from "../design/theme";
import { surfaceOf, watchSize } from "../views/surface";
import { drawScrubber } from "./draw-scrubber";
import { type Extent, extentOf, placeIn } from "./extent";
import { Seeker } from "./seeker";

/** The whole tape in one strip: drag to seek, shift and drag to choose a range. */
export class Scrubber implements Painted {
  readonly everyMs = 50;
  #deck: Deck;
  #host: HTMLElement;
  #canvas = document.createElement("canvas");
  #width = 0;
  #height = 0;
  #extent: Extent | undefined;
  #pointerX: number | undefined;
  #dragMs: number | undefined;
  #selection: [number, number] | undefined;
  #seeker: Seeker;
  #undo: (() => void)[];

  constructor(host: HTMLElement, deck: Deck) {
    this.#deck = deck;
    this.#host = host;
    this.#seeker = new Seeker((ms) => deck.seek({ ts: ms }));
    this.#canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%;touch-action:none;cursor:pointer";
    host.append(this.#canvas);
    this.#undo = [
      watchSize(host, (width, height) => {
        this.#width = width;
        this.#height = height;
        deck.painter.wake();
      }),
      theme.subscribe(() => deck.painter.wake()),
      deck.store.subscribe(() => deck.painter.wake()),
      deck.painter.add(this),
    ];
    this.#listen();
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#host.replaceChildren();
  }

  /** Seeks by a share of the whole: what the keyboard does. */
  nudge(share: number): void {
    const at = this.#deck.log.last?.ms;
    const extent = this.#extent;
    if (at === undefined || !extent) return;
    const to = at + share * (extent.to - extent.from);
    this.#seeker.to(Math.min(extent.to, Math.max(extent.from, to)));
  }

  toEnd(end: "from" | "to"): void {
    const extent = this.#extent;
    if (extent) this.#seeker.to(extent[end]);
  }

  paint(): undefined {
    const surface = surfaceOf(this.#canvas, this.#width, this.#height);
    const { session, tape, overview } = this.#deck.store.getState();
    const { log, inspection } = this.#deck;
    this.#extent = extentOf(tape, log);
    if (!surface || !session || !this.#extent) return;
    drawScrubber(surface, {
      extent: this.#extent,
      overview,
      session,
      log,
      at: this.#dragMs ?? log.last?.ms,
      inspectedMs: inspection.store.getState().seq === undefined ? undefined : inspection.shown?.ms,
      pointerX: this.#pointerX,
      selection: this.#selection,
    });
    this.#say();
  }

  #say(): void {
    const at = this.#deck.log.last?.ms;
    if (at === undefined || !this.#extent) return;
    const now = String(Math.round(placeIn(this.#extent, at) * 1000) / 10);
    if (this.#host.getAttribute("aria-valuenow") === now) return;
    this.#host.setAttribute("aria-valuenow", now);
    this.#host.setAttribute("aria-valuetext", new Date(at).toISOString().slice(11, 19));
  }

  #msAt(x: number): number | undefined {
    const extent = this.#extent;
    if (!extent) return undefined;
    return extent.from + Math.min(1, Math.max(0, x / this.#width)) * (extent.to - extent.from);
  }

  #listen(): void {
    const canvas = this.#canvas;
    canvas.addEventListener("pointermove", (event) => {
      this.#pointerX = Math.min(this.#width, Math.max(0, event.offsetX));
      const ms = this.#msAt(event.offsetX);
      if (ms !== undefined && this.#selection) this.#selection = [this.#selection[0], ms];
      else if (ms !== undefined && this.#dragMs !== undefined) {
        this.#dragMs = ms;
        this.#seeker.to(ms);
      }
      this.#deck.painter.wake();
    });
    canvas.addEventListener("pointerleave", () => {
      this.#pointerX = undefined;
      this.#deck.painter.wake();
    });
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      const ms = this.#msAt(event.offsetX);
      if (ms === undefined) return;
      if (event.shiftKey) this.#selection = [ms, ms];
      else {
        this.#dragMs = ms;
        this.#seeker.to(ms);
      }
      this.#deck.painter.wake();
    });
    const release = () => {
      const chosen = this.#selection;
      this.#selection = undefined;
      this.#dragMs = undefined;
      this.#deck.painter.wake();
      if (!chosen) return;
      const [from, to] = [Math.min(...chosen), Math.max(...chosen)];
      if (to > from) void this.#deck.range({ from: Math.round(from), to: Math.round(to) });
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
  }
}
