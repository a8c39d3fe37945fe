import { nsOfIso } from "@tapedeck/protocol";
import type { Metrics, Tally } from "@tapedeck/runtime";
import { isMoving, wallAt } from "@tapedeck/sessions";
import type { Leg } from "./leg.js";

const key = Buffer.from('"timestamp":"');
/** The time stands near a frame's beginning. */
const within = 400;

/**
 * Samples the way of a frame: from when its session's playhead passed it until this gateway hands it to sockets. The frame's own
 * time says when that was, so no block has to be read; a sample at a time is enough, so the way of all others costs nothing.
 */
export class DeliveryDelay {
  /** HOT: looked at for each frame that is forwarded; whoever takes the sample sets it back. */
  wanted = false;
  readonly #seconds: Tally;
  readonly #now: () => number;

  /** @param now the cluster's clock */
  constructor(metrics: Metrics, now: () => number) {
    this.#now = now;
    this.#seconds = metrics.tally({
      name: "tapedeck_gateway_delivery_delay_seconds",
      help: "Time from when the playhead passed a frame until it was handed to sockets; samples, ten a second at most",
    });
  }

  /** @param body a frame's JSON as it was heard */
  sample(body: Buffer, leg: Leg | Promise<Leg>): void {
    this.wanted = false;
    if (leg instanceof Promise) return;
    const { tape, pace, record } = leg;
    // At the edge frames come when the market makes them; feeds tell how late those are.
    if (tape === undefined || pace === undefined || record.edge || !isMoving(record)) return;
    const at = body.subarray(0, within).indexOf(key);
    if (at < 0) return;
    const from = at + key.length;
    const ns = nsOfIso(body.toString("latin1", from, body.indexOf('"', from)));
    if (ns === undefined) return;
    this.#seconds.add(this.#now() - wallAt(record, Number(ns - tape.startNs), pace.timeline));
  }
}
