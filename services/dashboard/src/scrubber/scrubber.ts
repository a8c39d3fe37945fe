import type { TapeOverview } from "@tapedeck/client";
import { clockText, dateText, spanWords } from "../design/format";
import { theme } from "../design/theme";
import type { AnimatedView } from "../playback/animation-loop";
import type { PlaybackController } from "../playback/playback-controller";
import type { TimeWindow } from "../playback/viewport";
import { anomalyFilter, passes } from "../views/anomalies/anomaly-filter";
import { clearSurfaceOf, watchSize } from "../views/canvas-surface";
import { drawScrubber, drawTape, pointedText, type ScrubberScene } from "./draw-scrubber";
import { SeekCoalescer } from "./seek-coalescer";
import { type AxisGap, axisOf, gapsOf, seekableAt, steppedBy, type TapeAxis, tapeSpanOf } from "./tape-axis";

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
  /** Where the playhead is dragged to. It is drawn there until the seek is done. */
  #dragMs: number | undefined;
  #dragging = false;
  #selection: [number, number] | undefined;
  #seeker: SeekCoalescer;
  #tape = { played: document.createElement("canvas"), ahead: document.createElement("canvas"), of: "" };
  #drawnTape: { readonly axis: TapeAxis; readonly events: TapeOverview["events"] } | undefined;
  #events: MarkedEvents = { of: undefined, filter: undefined, events: [] };
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

  /** Seeks by a share of the strip, for the keyboard. */
  nudge(share: number): void {
    const at = this.#playback.log.last?.ms;
    const axis = this.#axis;
    if (at !== undefined && axis) this.#seeker.to(steppedBy(axis, at, share * axis.width));
  }

  toEnd(end: "from" | "to"): void {
    if (this.#axis) this.#seeker.to(this.#axis.span[end]);
  }

  paint(): undefined {
    const { session, tape, overview } = this.#playback.store.getState();
    const { log, inspection } = this.#playback;
    const span = tapeSpanOf(tape, log);
    if (!session || !tape || !span || this.#width <= 0) {
      this.#axis = undefined;
      if (this.#drawn !== "") clearSurfaceOf(this.#canvas, this.#width, this.#height);
      this.#drawn = "";
      return;
    }
    const axis = this.#axisOf(span, gapsOf(tape));
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
    this.#describe(axis);
    const changed = this.#drawTape(scene);
    // At normal speeds the playhead of a long tape moves only a few pixels per second.
    const pixel = (ms: number | undefined) => ms && Math.round(axis.xOf(ms) * 4);
    const { from_ts, to_ts } = session.controller_state;
    const shown = [pixel(scene.at), pixel(scene.inspectedMs), scene.pointerX, scene.selection, from_ts, to_ts].join();
    if (!changed && shown === this.#drawn) return;
    this.#drawn = shown;
    this.#host.dataset.pointed = scene.pointerX === undefined ? "" : pointedText(scene, scene.pointerX);
    const surface = clearSurfaceOf(this.#canvas, this.#width, this.#height);
    if (surface) drawScrubber(surface, scene, this.#tape);
  }

  /** Redraws the pictures of the tape when something on them has changed. */
  #drawTape(scene: ScrubberScene): boolean {
    const { axis, overview, events, log } = scene;
    // Without an overview the line consists of the frames in the log; one second of delay is fine.
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

  /** The same object until something changes, because the pictures depend on it. */
  #axisOf(span: TimeWindow, gaps: readonly AxisGap[]): TapeAxis {
    const { from, to } = this.#axis?.span ?? {};
    const same = from === span.from && to === span.to && this.#axis?.width === this.#width && gaps === this.#gaps;
    if (!this.#axis || !same) {
      this.#axis = axisOf(span, gaps, this.#width);
      this.#gaps = gaps;
    }
    return this.#axis;
  }

  /** The events that pass the anomaly filter. */
  #eventsOf(overview: TapeOverview | undefined): TapeOverview["events"] {
    const filter = anomalyFilter.getState();
    if (overview !== this.#events.of || filter !== this.#events.filter) {
      const events = overview?.events.filter((event) => passes(filter, event)) ?? [];
      this.#events = { of: overview, filter, events };
      this.#host.dataset.marked = String(events.length);
    }
    return this.#events.events;
  }

  #describe(axis: TapeAxis): void {
    const at = this.#playback.log.last?.ms;
    if (at === undefined) return;
    const now = String(Math.round((axis.xOf(at) / axis.width) * 1000) / 10);
    // The element starts with the value 0 and without a text.
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

/** The filtered events of one overview. */
interface MarkedEvents {
  readonly of: TapeOverview | undefined;
  readonly filter: object | undefined;
  readonly events: TapeOverview["events"];
}

/** Longer than the time between two frames without a gap. */
const nearGapMs = 1000;

const dayMs = 86_400_000;

/** The position for screen readers: with the date if the tape is longer than a day, and with the gap that follows. */
function placeText({ span, breaks }: TapeAxis, ms: number): string {
  const date = span.to - span.from < dayMs ? "" : `${dateText(ms)} `;
  const gap = breaks.find(({ fromMs }) => fromMs >= ms);
  const beforeGap = gap && gap.fromMs - ms < nearGapMs ? `, before a gap of ${spanWords(gap.toMs - gap.fromMs)}` : "";
  return `${date}${clockText(ms, 0)}${beforeGap}`;
}

/** Changes when the fonts have loaded. */
const fonts = () => document.fonts.status;
