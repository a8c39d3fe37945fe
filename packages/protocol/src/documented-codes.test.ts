import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { refusals } from "./errors/errors.js";
import { closeCodes } from "./socket/close-codes.js";
import { clientMessage, serverMessage } from "./socket/messages.js";

const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");

function rowsUnder(heading: string): string[][] {
  const [, section = ""] = page.split(`## ${heading}\n`);
  const [text = ""] = section.split("\n## ");
  return [...text.matchAll(/^\| (.+) \|$/gm)].map(([, cells = ""]) => cells.split(" | ").map((cell) => cell.trim()));
}

test("[P6] docs/protocol.md lists every refusal with its status, and no others", () => {
  const listed = rowsUnder("Refusals").flatMap(([code = "", status = ""]) =>
    code.startsWith("`") ? [[code.replaceAll("`", ""), Number(status)]] : [],
  );
  expect(Object.fromEntries(listed)).toEqual(refusals);
});

test("[P6] docs/protocol.md lists every close code with its meaning and what to do, and no others", () => {
  const listed = rowsUnder("Close codes").flatMap(([code = "", name = "", reconnect = ""]) =>
    /^\d+$/.test(code) ? [[code, { name, reconnect }]] : [],
  );
  expect(Object.fromEntries(listed)).toEqual(closeCodes);
});

test("[P6] docs/protocol.md lists every socket message", () => {
  const types = [...serverMessage.options, ...clientMessage.options].flatMap(({ shape }) => [...shape.type.values]);
  const listed = rowsUnder("Sockets").flatMap(([type = ""]) =>
    type.startsWith("`") ? [type.replaceAll("`", "")] : [],
  );
  expect(listed.sort()).toEqual(types.sort());
});
