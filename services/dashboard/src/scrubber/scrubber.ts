import type { TapeOverview } from "@tapedeck/client";
import { clockText, dateText, spanWords } from "../design/format";
import { theme } from "../design/theme";
import type { AnimatedView } from "../playback/animation-loop";
import type { PlaybackController } from "../playback/playback-controller";
import { anomalyFilter, passes } from "../views/anomalies/anomaly-filter";
import { clearSurfaceOf, watchSize } from "../views/canvas-surface";
import { drawScrubber, drawTape, pointedText, type ScrubberScene } from "./draw-scrubber";
import { SeekCoalescer } from "./seek-coalescer";
import { type AxisGap, axisOf, gapsOf, seekableAt, steppedBy, type TapeAxis } from "./tape-axis";
import { type Extent, extentOf } from "./tape-range";

/** The whole tape in one strip: drag to seek, shift and drag to choose a range. */
export class Scrubber implements AnimatedView {
  readonly everyMs = 50;
  #playback: PlaybackController;
  #host: HTMLElement;
  #canvas = document.createElement("canvas");
  #width = 0;
  #height = 0;
  #axis: TapeAxis | undefined;
  #gaps: readonly AxisGap[] | undefined;
  #pointerX: number | undefined;
  /** Where the playhead is being dragged to; it is shown there until the deck has gone there. */
  #dragMs: number | undefined;
  #dragging = false;
  #selection: [number, number] | undefined;
  #seeker: SeekCoalescer;
  #tape = { played: document.createElement("canvas"), ahead: document.createElement("canvas"), of: "" };
  #drawnTape: { readonly axis: TapeAxis; readonly events: TapeOverview["events"] } | undefined;
  #events: Marked = { of: undefined, filter: undefined, events: [] };
  #drawn = "";
  #undo: (() => void)[];

  constructor(host: HTMLElement, playback: PlaybackController) {
    this.#playback = playback;
    this.#host = host;
    this.#seeker = new SeekCoalescer((ms) => playback.seek({ ts: ms }));
    this.#canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%;touch-action:none;cursor:pointer";
    host.append(this.#canvas);
    this.#undo = [
      watchSize(host, (width, height) => {
        this.#width = width;
        this.#height = height;
        playback.animation.invalidate();
      }),
      theme.subscribe(() => playback.animation.invalidate()),
      anomalyFilter.subscribe(() => playback.animation.invalidate()),
      playback.store.subscribe(() => playback.animation.invalidate()),
      playback.animation.add(this),
    ];
    this.#listen();
  }

  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#host.replaceChildren();
  }

  /** Seeks by a share of the strip: what the keyboard does. */
  nudge(share: number): void {
    const at = this.#playback.log.last?.ms;
    const axis = this.#axis;
    if (at !== undefined && axis) this.#seeker.to(steppedBy(axis, at, share * axis.width));
  }

  toEnd(end: "from" | "to"): void {
    if (this.#axis) this.#seeker.to(this.#axis.extent[end]);
  }

  paint(): undefined {
    const { session, tape, overview } = this.#playback.store.getState();
    const { log, inspection } = this.#playback;
    const extent = extentOf(tape, log);
    if (!session || !tape || !extent || this.#width <= 0) {
      this.#axis = undefined;
      if (this.#drawn !== "") clearSurfaceOf(this.#canvas, this.#width, this.#height);
      this.#drawn = "";
      return;
    }
    const axis = this.#axisOf(extent, gapsOf(tape));
    const scene: ScrubberScene = {
      axis,
      tape,
      overview,
      events: this.#eventsOf(overview),
      session,
      log,
      at: this.#dragMs ?? log.last?.ms,
      inspectedMs: inspection.store.getState().seq === undefined ? undefined : inspection.shown?.ms,
      pointerX: this.#pointerX,
      selection: this.#selection,
    };
    this.#say(axis);
    const changed = this.#drawTape(scene);
    // At usual speeds the playhead of a long tape moves a few pixels a second.
    const pixel = (ms: number | undefined) => ms && Math.round(axis.xOf(ms) * 4);
    const { from_ts, to_ts } = session.controller_state;
    const shown = [pixel(scene.at), pixel(scene.inspectedMs), scene.pointerX, scene.selection, from_ts, to_ts].join();
    if (!changed && shown === this.#drawn) return;
    this.#drawn = shown;
    this.#host.dataset.pointed = scene.pointerX === undefined ? "" : pointedText(scene, scene.pointerX);
    const surface = clearSurfaceOf(this.#canvas, this.#width, this.#height);
    if (surface) drawScrubber(surface, scene, this.#tape);
  }

  /** Draws the tape's pictures where what is on them has changed. */
  #drawTape(scene: ScrubberScene): boolean {
    const { axis, overview, events, log } = scene;
    // Without an overview the line is that of the frames seen; a second late is soon enough.
    const seen = overview ? "" : `${log.revision} ${Math.floor((log.last?.ms ?? 0) / 1000)}`;
    const of = [seen, this.#height, theme.getState().theme, fonts()].join();
    if (of === this.#tape.of && axis === this.#drawnTape?.axis && events === this.#drawnTape.events) return false;
    this.#tape.of = of;
    this.#drawnTape = { axis, events };
    for (const tone of ["played", "ahead"] as const) {
      const surface = clearSurfaceOf(this.#tape[tone], this.#width, this.#height);
      if (surface) drawTape(surface, scene, tone);
    }
    return true;
  }

  /** The same one until something of it changes: pictures are drawn by it. */
  #axisOf(extent: Extent, gaps: readonly AxisGap[]): TapeAxis {
    const { from, to } = this.#axis?.extent ?? {};
    const same = from === extent.from && to === extent.to && this.#axis?.width === this.#width && gaps === this.#gaps;
    if (!this.#axis || !same) {
      this.#axis = axisOf(extent, gaps, this.#width);
      this.#gaps = gaps;
    }
    return this.#axis;
  }

  /** What the anomaly feed would not list is not marked either. */
  #eventsOf(overview: TapeOverview | undefined): TapeOverview["events"] {
    const filter = anomalyFilter.getState();
    if (overview !== this.#events.of || filter !== this.#events.filter) {
      const events = overview?.events.filter((event) => passes(filter, event)) ?? [];
      this.#events = { of: overview, filter, events };
      this.#host.dataset.marked = String(events.length);
    }
    return this.#events.events;
  }

  #say(axis: TapeAxis): void {
    const at = this.#playback.log.last?.ms;
    if (at === undefined) return;
    const now = String(Math.round((axis.xOf(at) / axis.width) * 1000) / 10);
    // The element begins with a value, 0, and without a text.
    if (this.#host.hasAttribute("aria-valuetext") && this.#host.getAttribute("aria-valuenow") === now) return;
    this.#host.setAttribute("aria-valuenow", now);
    this.#host.setAttribute("aria-valuetext", placeText(axis, at));
  }

  #listen(): void {
    const canvas = this.#canvas;
    canvas.addEventListener("pointermove", (event) => {
      this.#pointerX = Math.min(this.#width, Math.max(0, event.offsetX));
      const axis = this.#axis;
      if (axis && this.#selection) this.#selection = [this.#selection[0], axis.msOf(event.offsetX)];
      else if (axis && this.#dragging) this.#dragTo(seekableAt(axis, event.offsetX));
      this.#playback.animation.invalidate();
    });
    canvas.addEventListener("pointerleave", () => {
      this.#pointerX = undefined;
      this.#playback.animation.invalidate();
    });
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      const axis = this.#axis;
      if (!axis) return;
      if (event.shiftKey) this.#selection = [axis.msOf(event.offsetX), axis.msOf(event.offsetX)];
      else {
        this.#dragging = true;
        this.#dragTo(seekableAt(axis, event.offsetX));
      }
      this.#playback.animation.invalidate();
    });
    const release = () => {
      const chosen = this.#selection;
      this.#selection = undefined;
      this.#dragging = false;
      const dropped = this.#dragMs;
      this.#seeker.whenIdle(() => {
        if (this.#dragMs === dropped) this.#dragMs = undefined;
        this.#playback.animation.invalidate();
      });
      this.#playback.animation.invalidate();
      if (!chosen) return;
      const [from, to] = [Math.min(...chosen), Math.max(...chosen)];
      if (to > from) void this.#playback.range({ from: Math.round(from), to: Math.round(to) });
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
  }

  #dragTo(ms: number): void {
    this.#dragMs = ms;
    this.#seeker.to(ms);
  }
}

/** Marks as they follow from an overview and the feed's filter. */
interface Marked {
  readonly of: TapeOverview | undefined;
  readonly filter: object | undefined;
  readonly events: TapeOverview["events"];
}

/** Longer than any time between two frames of one window. */
const besideMs = 1000;

const dayMs = 86_400_000;

/** A place as a screen reader says it: with its date where the tape is longer than a day, and the gap that follows. */
function placeText({ extent, breaks }: TapeAxis, ms: number): string {
  const date = extent.to - extent.from < dayMs ? "" : `${dateText(ms)} `;
  const gap = breaks.find(({ fromMs }) => fromMs >= ms);
  const beside = gap && gap.fromMs - ms < besideMs ? `, before a gap of ${spanWords(gap.toMs - gap.fromMs)}` : "";
  return `${date}${clockText(ms, 0)}${beside}`;
}

/** Changes when the type has come. */
const fonts = () => document.fonts.status;
