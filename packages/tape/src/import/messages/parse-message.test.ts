import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Fields, isFields, levelsOf, parseJson } from "./fields.js";
import { parseMessage } from "./parse-message.js";

/** A message with its levels as numbers, or what is wrong with it. */
function readBy(parse: (text: string) => Fields, text: string): unknown {
  try {
    const message = parse(text);
    const data = isFields(message.data) ? message.data : message;
    return {
      ...data,
      ...(data.b !== undefined && { b: levelsOf(data.b, "b") }),
      ...(data.a !== undefined && { a: levelsOf(data.a, "a") }),
    };
  } catch (error) {
    return String(error);
  }
}

const number = fc.oneof(
  fc.stringMatching(/^\d{1,12}(\.\d{1,8})?$/),
  fc.constantFrom(
    "0",
    "0.000",
    "00.50",
    "5.",
    ".5",
    "1e3",
    "-1",
    "",
    "1.2.3",
    "NaN",
    "123456789012345.678",
    " 1",
    "999999999999999",
    "0.1",
  ),
);
const level = fc.tuple(number, number);
const list = fc.array(level, { maxLength: 6 });

describe("a message whose levels are read straight from its text", () => {
  test("[IM60] has the same fields and levels as by JSON.parse, and the same fault, whatever its numbers", () => {
    fc.assert(
      fc.property(list, list, fc.boolean(), (b, a, wrapped) => {
        const data = { e: "depthUpdate", E: 1_680_652_700_435, s: "BTCUSDT", u: 2_710_246_762_461, b, a };
        const text = JSON.stringify(wrapped ? { stream: "btcusdt@depth", data } : data);
        expect(readBy(parseMessage, text)).toEqual(readBy(parseJson, text));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["spaces", '{"e":"depthUpdate","b":[["1.5", "2"]],"a":[ ["1.6","3"]]}'],
    ["numbers instead of texts", '{"e":"depthUpdate","b":[[1.5,2]],"a":[["1.6","3"]]}'],
    ["more than two entries a level", '{"e":"depthUpdate","b":[["1.5","2","7"]],"a":[["1.6","3","7"]]}'],
    ["lists in other places", '{"e":"depthUpdate","more":{"b":[["1.5","2"]]},"b":[["1.5","2"]],"a":[["1.6","3"]]}'],
    ["a list twice", '{"e":"depthUpdate","b":[["1.5","2"]],"b":[["1.4","2"]],"a":[]}'],
    ["texts that look like lists", '{"e":"depthUpdate","b":[["1.5","2"]],"a":[],"s":"\\"b\\":[[\\"1\\",\\"2\\"]]"}'],
    ["a placeholder's number", '{"e":"depthUpdate","b":[["1.5","2"]],"a":[["1.6","3"]],"x":-1}'],
    ["a list that ends too early", '{"e":"depthUpdate","b":[["1.5","2"],["1'],
    ["no JSON after the list", '{"e":"depthUpdate","b":[["1.5","2"]],}'],
  ])("[IM60] %s: read as by JSON.parse", (_name, text) => {
    expect(readBy(parseMessage, text)).toEqual(readBy(parseJson, text));
  });
});
