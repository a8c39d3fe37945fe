import { stateCause } from "@tapedeck/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { frameHead, parseHead, stateHead } from "./channel.js";

const whole = fc.maxSafeNat();

test("[S15] a frame's head decodes to what was written", () => {
  fc.assert(
    fc.property(whole, whole, fc.integer({ min: -1 }), whole, fc.string(), (rev, epoch, prev, seq, body) => {
      const head = frameHead(rev, epoch, prev, seq);
      const message = Buffer.from(`${head}${body}`);
      expect(parseHead(message)).toEqual({ kind: "F", rev, epoch, prev, seq, body: head.length });
      expect(message.subarray(head.length).toString()).toBe(Buffer.from(body).toString());
    }),
  );
});

test("[S15] a state's head decodes to what was written, for every cause", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("S" as const, "D" as const),
      whole,
      whole,
      whole,
      fc.constantFrom(...stateCause.options),
      (kind, rev, epoch, seq, cause) => {
        const head = stateHead(kind, rev, epoch, seq, cause);
        expect(parseHead(Buffer.from(`${head}{}`))).toEqual({ kind, rev, epoch, seq, cause, body: head.length });
      },
    ),
  );
});

test.each([
  "",
  "1 F 1 2 3\n{}",
  "1 F 1 2 3 4 {}",
  "1 S 1 2 3 3 because\n{}",
  "1 S 1 2 3 3 command",
  "2 F 1 2 3 4\n{}",
  "1 X 1 2 3 4\n{}",
  "1 F a b c d\n{}",
  "hello",
])("[S15] %j is ignored", (text) => {
  expect(parseHead(Buffer.from(text))).toBeUndefined();
});

test("[S15] arbitrary bytes are not taken for a message", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const head = parseHead(bytes);
      if (head !== undefined) expect(head.body).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
