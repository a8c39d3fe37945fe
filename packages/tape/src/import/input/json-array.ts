import { CutShort } from "../import-errors.js";

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace, comma] = [
  34, 92, 91, 93, 123, 125, 44,
] as const;

/** True for a text that begins with an array of objects, on one line or over many. */
export function beginsArray(text: string): boolean {
  return /^\uFEFF?\s*\[\s*(\{|$)/.test(text);
}

/**
 * Cuts JSON arrays into the texts of their elements while they come in, so that each element is read like a line. It knows
 * of brackets and strings alone; whether an element is JSON is found out when it is parsed.
 */
export class ArrayElements {
  /** What has come of the element under way. */
  #text = "";
  /** Where in it the search goes on. */
  #at = 0;
  /** Brackets that are open; the first is the array's. */
  #depth = 0;
  #inString = false;

  /** Characters of the element under way. */
  get length(): number {
    return this.#text.length;
  }

  /** The elements that are complete now. Throws `CutShort` where something other than an array comes. */
  *push(chunk: string): Generator<string> {
    this.#text += chunk;
    let from = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text.charCodeAt(this.#at);
      if (this.#inString) {
        if (char === backslash) this.#at++;
        else if (char === quote) this.#inString = false;
        continue;
      }
      if (this.#depth === 0) {
        if (char === openBracket) this.#depth = 1;
        else if (!isSpace(char)) throw new CutShort("something other than JSON follows the array");
        from = this.#at + 1;
      } else if (char === quote) this.#inString = true;
      else if (char === openBracket || char === openBrace) this.#depth++;
      else if (char === closeBracket || char === closeBrace) {
        this.#depth--;
        if (this.#depth > 0) continue;
        yield* element(this.#text.slice(from, this.#at));
        from = this.#at + 1;
      } else if (char === comma && this.#depth === 1) {
        yield* element(this.#text.slice(from, this.#at));
        from = this.#at + 1;
      }
    }
    this.#text = this.#text.slice(from);
    this.#at -= from;
  }

  /** Throws `CutShort` where an array is still open. */
  end(): void {
    if (this.#depth > 0) throw new CutShort("the JSON array is not closed");
  }
}

function* element(text: string): Generator<string> {
  const trimmed = text.trim();
  if (trimmed !== "") yield trimmed;
}

function isSpace(char: number): boolean {
  return char === 32 || (char >= 9 && char <= 13) || char === 0xfeff || char === 0xa0;
}
