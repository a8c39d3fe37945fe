import { FrameBuilder, type FrameParts, framesPerSegment, simulatedStartNs } from "@tapedeck/market";
import { BlockBuilder } from "../block-builder.js";
import type { TapeEvent } from "../tape.js";
import { TapeNotFound } from "../tape-errors.js";
import { generatorOf } from "./generators.js";
import { frameNs, framesPerBlock } from "./layout.js";
import { type SimulatedName, simulatedId } from "./simulated-name.js";

/** Gets the raw blocks of a segment, 60 frames each, in order and as soon as they are made. */
export type TakeBlock = (bytes: Uint8Array<ArrayBuffer>) => void;

/**
 * Makes a segment's frames; returns the events in them. Analytics begin anew with the segment before it, whose frames are not kept: so they know a minute of
 * history at a segment's first frame and two at its last, and the bytes are the same however one came here.
 */
export function makeSegment(name: SimulatedName, segment: number, take: TakeBlock): TapeEvent[] {
  const generator = generatorOf(name);
  if (generator === undefined) throw new TapeNotFound(`${simulatedId(name)}@${name.version}`);
  const market = generator.market(name);
  const { symbol, priceDecimals, sizeDecimals } = market.instrument;
  const precision = { priceDecimals, sizeDecimals };
  const closed: FrameParts[] = [];
  const frames = new FrameBuilder({
    symbol,
    originNs: simulatedStartNs,
    decimals: 3,
    intervalNs: frameNs,
    analytics: generator.analytics(),
    emit: (parts) => closed.push(parts),
  });
  // Known beforehand, not learned on the way, so that no frame depends on which prices came before it.
  frames.prices.note(Number(`1e-${priceDecimals}`));
  frames.sizes.note(Number(`1e-${sizeDecimals}`));

  const first = Math.max(0, segment - 1);
  frames.apply(market.opening(first));
  const events: TapeEvent[] = [];
  for (let number = first; number <= segment; number++) {
    const running = market.market(number);
    const builder = new BlockBuilder(framesPerBlock, precision);
    let seq = number * framesPerSegment;
    for (const event of running.run()) {
      frames.apply(event);
      if (event.trades !== undefined || event.ns % frameNs !== 0) continue;
      frames.end();
      while (closed.length === 0) {
        frames.apply(running.nudge());
        frames.end();
      }
      for (const parts of closed.splice(0)) {
        if (number === segment) {
          const ns = seq * frameNs;
          builder.add(seq, { ...parts, ns }, 0);
          for (const { type, severity } of parts.events) events.push({ seq, ns, type, severity });
          if (builder.count === framesPerBlock) take(bytesOf(builder.take()));
        }
        seq++;
      }
    }
  }
  return events;
}

/** A buffer of its own, which can be handed to another thread. */
function bytesOf(raw: Buffer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(raw.length));
  bytes.set(raw);
  return bytes;
}
