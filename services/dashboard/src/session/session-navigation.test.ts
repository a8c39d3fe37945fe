import { expect, test } from "vitest";
import { parseSessionLink } from "./session-navigation";

test.each([
  ["session_1735900000000_ab12cd34e", { id: "session_1735900000000_ab12cd34e", access: undefined }],
  ["https://deck.example.com/?session=abc", { id: "abc", access: undefined }],
  ["https://deck.example.com/?session=abc#access=ey.J%2Bx", { id: "abc", access: "ey.J+x" }],
  ["https://deck.example.com/", undefined],
  ["no id, this", undefined],
  ["", undefined],
])("[DB12] %j names this session", (text, shared) => {
  expect(parseSessionLink(text)).toEqual(shared);
});
