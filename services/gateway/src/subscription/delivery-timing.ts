import { nsOfIso } from "@tapedeck/protocol";
import { type LatencyHistogram, type Metrics, type Span, startSpan } from "@tapedeck/runtime";
import { isMoving, wallAt } from "@tapedeck/sessions";
import type { PlaybackSegment } from "./playback-segment.js";

const timestampKey = Buffer.from('"timestamp":"');
/** Bytes at the beginning of a frame in which its timestamp lies. */
const searchedBytes = 400;

/**
 * Measures the delay of a frame: from when its session's playhead passed it until this gateway hands it to sockets. The frame's
 * timestamp gives the first of the two, so no block has to be read. One sample at a time is enough; other frames cost nothing.
 */
export class DeliveryDelay {
  /** HOT: read for each frame that is forwarded; taking a sample resets it. */
  wanted = false;
  readonly #seconds: LatencyHistogram;
  readonly #now: () => number;

  /** @param now the cluster's clock */
  constructor(metrics: Metrics, now: () => number) {
    this.#now = now;
    this.#seconds = metrics.latencyHistogram({
      name: "tapedeck_gateway_delivery_delay_seconds",
      help: "Time from when the playhead passed a frame until it was handed to sockets; at most ten samples a second",
    });
  }

  /** @param body a frame's JSON as it was published */
  sample(body: Buffer, segment: PlaybackSegment | Promise<PlaybackSegment>): void {
    this.wanted = false;
    if (segment instanceof Promise) return;
    const { tape, pace, record } = segment;
    // At the live edge the market sets the time of frames; feeds measure that delay.
    if (tape === undefined || pace === undefined || record.edge || !isMoving(record)) return;
    const at = body.subarray(0, searchedBytes).indexOf(timestampKey);
    if (at < 0) return;
    const from = at + timestampKey.length;
    const ns = nsOfIso(body.toString("latin1", from, body.indexOf('"', from)));
    if (ns === undefined) return;
    this.#seconds.observe(this.#now() - wallAt(record, Number(ns - tape.startNs), pace.timeline));
  }
}

/** Traces the time from a command until a socket here gets the first frame of what the command changed. */
export class FirstFrameSpan {
  readonly #sessionId: string;
  #span: Span | undefined;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  /** HOT: read for each frame that is forwarded. */
  get open(): boolean {
    return this.#span !== undefined;
  }

  /** @param trace that of the command; undefined if it is not traced */
  begin(trace: string | undefined): void {
    if (trace !== undefined) this.#span = startSpan("first frame", { "tapedeck.session": this.#sessionId }, trace);
  }

  end(): void {
    this.#span?.end();
    this.#span = undefined;
  }
}
