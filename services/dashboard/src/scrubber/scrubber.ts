import type { TapeOverview } from "@tapedeck/client";
import type { Deck } from "../deck/deck";
import type { Painted } from "../deck/painter";
import { theme } from "../design/theme";
import { clearSurfaceOf, watchSize } from "../views/surface";
import { drawScrubber, drawTape, type ScrubberScene } from "./draw-scrubber";
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
  /** Where the playhead is being dragged to; it is shown there until the deck has gone there. */
  #dragMs: number | undefined;
  #dragging = false;
  #selection: [number, number] | undefined;
  #seeker: Seeker;
  #tape = { played: document.createElement("canvas"), ahead: document.createElement("canvas"), of: "" };
  #overview: TapeOverview | undefined;
  #drawn = "";
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
    const { session, tape, overview } = this.#deck.store.getState();
    const { log, inspection } = this.#deck;
    const extent = extentOf(tape, log);
    this.#extent = extent;
    if (!session || !extent || this.#width <= 0) {
      if (this.#drawn !== "") clearSurfaceOf(this.#canvas, this.#width, this.#height);
      this.#drawn = "";
      return;
    }
    const scene: ScrubberScene = {
      extent,
      overview,
      session,
      log,
      at: this.#dragMs ?? log.last?.ms,
      inspectedMs: inspection.store.getState().seq === undefined ? undefined : inspection.shown?.ms,
      pointerX: this.#pointerX,
      selection: this.#selection,
    };
    this.#say();
    const changed = this.#drawTape(scene);
    // At usual speeds the playhead of a long tape moves a few pixels a second.
    const pixel = (ms: number | undefined) => ms && Math.round(placeIn(extent, ms) * this.#width * 4);
    const { from_ts, to_ts } = session.controller_state;
    const shown = [pixel(scene.at), pixel(scene.inspectedMs), scene.pointerX, scene.selection, from_ts, to_ts].join();
    if (!changed && shown === this.#drawn) return;
    this.#drawn = shown;
    const surface = clearSurfaceOf(this.#canvas, this.#width, this.#height);
    if (surface) drawScrubber(surface, scene, this.#tape);
  }

  /** Draws the tape's pictures where what is on them has changed. */
  #drawTape(scene: ScrubberScene): boolean {
    const { extent, overview, log } = scene;
    // Without an overview the line is that of the frames seen; a second late is soon enough.
    const seen = overview ? "" : `${log.revision} ${Math.floor((log.last?.ms ?? 0) / 1000)}`;
    const of = [extent.from, extent.to, seen, this.#width, this.#height, theme.getState().theme, fonts()].join();
    if (of === this.#tape.of && overview === this.#overview) return false;
    this.#tape.of = of;
    this.#overview = overview;
    for (const tone of ["played", "ahead"] as const) {
      const surface = clearSurfaceOf(this.#tape[tone], this.#width, this.#height);
      if (surface) drawTape(surface, scene, tone);
    }
    return true;
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
      else if (ms !== undefined && this.#dragging) {
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
        this.#dragging = true;
        this.#dragMs = ms;
        this.#seeker.to(ms);
      }
      this.#deck.painter.wake();
    });
    const release = () => {
      const chosen = this.#selection;
      this.#selection = undefined;
      this.#dragging = false;
      const dropped = this.#dragMs;
      this.#seeker.whenIdle(() => {
        if (this.#dragMs === dropped) this.#dragMs = undefined;
        this.#deck.painter.wake();
      });
      this.#deck.painter.wake();
      if (!chosen) return;
      const [from, to] = [Math.min(...chosen), Math.max(...chosen)];
      if (to > from) void this.#deck.range({ from: Math.round(from), to: Math.round(to) });
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
  }
}

/** Changes when the type has come. */
const fonts = () => document.fonts.status;
