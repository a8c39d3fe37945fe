import { serializeFrame } from "@tapedeck/tape/blocks";
import { testFrames } from "@tapedeck/tape/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeChange, decodeFrame, encodeFrame, kindOf, type LiveFrame } from "./frame-message.js";

const severities = ["low", "medium", "high", "critical"] as const;
const parts = [...testFrames({ frames: 60, tradesPerFrame: (seq) => seq % 4 })];

const frames = fc
  .record({
    claim: fc.nat({ max: 2 ** 47 }),
    seq: fc.nat({ max: 2 ** 40 }),
    beginsBlock: fc.boolean(),
    ns: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    of: fc.nat({ max: parts.length - 1 }),
    spread: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
    price: fc.double({ noNaN: true, noDefaultInfinity: true }),
    events: fc.array(
      fc.record({ type: fc.constantFrom("SPOOFING", "LIQUIDITY_GAP"), severity: fc.constantFrom(...severities) }),
    ),
    gap: fc.option(fc.record({ fromNs: fc.nat(), reason: fc.string({ unit: "grapheme" }) })),
    priceDecimals: fc.nat({ max: 12 }),
    sizeDecimals: fc.nat({ max: 12 }),
  })
  .map(({ claim, seq, beginsBlock, ns, of, spread, price, events, gap, ...precision }): LiveFrame<string> => {
    const from = parts[of] ?? expect.fail();
    const marked = gap === null ? undefined : { ...gap, afterSeq: seq - 1, toNs: ns };
    const some = { ...from, ns, effectiveSpread: spread === 0 ? 0 : spread, price: price === 0 ? 0 : price, events };
    return { claim, seq, beginsBlock, frame: serializeFrame(seq, some, marked, 3), precision };
  });

describe("a frame's message", () => {
  test("[LT2] is one line of ASCII and the frame, and decodes to what was encoded", () => {
    fc.assert(
      fc.property(frames, (live) => {
        const message = encodeFrame(live);
        const [head = "", ...rest] = message.split("\n");
        expect(rest.join("\n")).toBe(live.frame.text);
        expect(head).toMatch(/^1 L [\x21-\x7e ]+$/);
        const read = decodeFrame(Buffer.from(message, "latin1"));
        expect(read).toEqual({ ...live, frame: { ...live.frame, text: Buffer.from(live.frame.text, "latin1") } });
      }),
    );
  });

  test("[LT20] is decoded without copying the frame's bytes", () => {
    const live = fc.sample(frames, 1)[0] ?? expect.fail();
    const message = Buffer.from(encodeFrame(live), "latin1");
    expect(decodeFrame(message)?.frame.text.buffer).toBe(message.buffer);
  });
});

test("[LT21] any other message is rejected", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), frames, fc.nat(), (noise, live, at) => {
      expect(decodeFrame(Buffer.from(noise))).toBeUndefined();
      expect(decodeChange(Buffer.from(noise))).toBeUndefined();
      const message = encodeFrame(live);
      const head = message.slice(0, message.indexOf("\n"));
      expect(decodeFrame(Buffer.from(head.slice(0, at % head.length), "latin1"))).toBeUndefined();
      expect(decodeFrame(Buffer.from(message.replace(" ", "  "), "latin1"))).toBeUndefined();
    }),
  );
  for (const text of ["", "1", "2 L 1", "1 X 1\n{}", "1 U 3", "1 U 3\n{", '1 U 3\n{"a":1}', "1 U 3\n[]"]) {
    expect(decodeFrame(Buffer.from(text))).toBeUndefined();
    expect(decodeChange(Buffer.from(text))).toBeUndefined();
  }
  expect(kindOf(Buffer.from("1 F 1"))).toBeUndefined();
});

test("[LT9] a change's message has the hash, with any characters", () => {
  expect(decodeChange(Buffer.from('1 U 3\n{"reason":"Grund: ≠"}'))).toEqual({ reason: "Grund: ≠" });
});
