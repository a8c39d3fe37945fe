import fc from "fast-check";
import { expect, test } from "vitest";
import { printable, printableLines } from "./printable.js";

/** Texts in which every kind of character that a terminal acts on is common. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\u001b]52;c;cm0gLXJm\u0007",
        "\u001b[2J",
        "\u009b31m",
        "\r",
        "\n",
        "\t",
        "\u007f",
        "\u202e",
        "\u2066",
      ),
      fc.constantFrom(
        "\u2028",
        "\u200b",
        "\ufeff",
        "\u00ad",
        "\u{e0041}",
        "\ud800",
        "\u0000",
        "BTCUSDT",
        "ä",
        "比特币",
        "📼",
      ),
      fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
      fc.string({ unit: "binary" }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));

const actedOn = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

test("[R37] nothing that a terminal acts on is left of any text", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(printable(text)).not.toMatch(actedOn);
      expect(printableLines(text).replace(/[\n\t]/g, "")).not.toMatch(actedOn);
      expect(printableLines(text).split("\n")).toHaveLength(text.split("\n").length);
    }),
    { numRuns: 2000 },
  );
});

test("[R37] JSON means the same afterwards, and text of any language looks the same", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(JSON.parse(printableLines(JSON.stringify({ text }, undefined, 2)))).toEqual({ text });
      const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "");
      expect(printable(plain)).toBe(plain);
    }),
    { numRuns: 2000 },
  );
});

test("[R37] an escape sequence is shown in letters", () => {
  expect(printable("a\u001b[31mb\nc")).toBe("a\\u001b[31mb\\u000ac");
  expect(printableLines("a\u001b[31mb\nc\td")).toBe("a\\u001b[31mb\nc\td");
  expect(printable("\u202etxt.exe \u{e0041}")).toBe("\\u202etxt.exe \\udb40\\udc41");
});
