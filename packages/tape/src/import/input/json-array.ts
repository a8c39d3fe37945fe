import { CutShort } from "../import-errors.js";

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace, comma] = [
  34, 92, 91, 93, 123, 125, 44,
] as const;

/** Whether a text begins with an array of objects, on one line or several. */
export function beginsArray(text: string): boolean {
  return /^\uFEFF?\s*\[\s*(\{|$)/.test(text);
}

/**
 * Splits JSON arrays into the texts of their elements as they come in, so that each element is read like a line. It only tracks
 * brackets and strings; parsing an element finds out whether it is valid JSON.
 */
export class ArrayElements {
  /** The incomplete element so far. */
  #text = "";
  /** Where the scan continues in it. */
  #at = 0;
  /** Open brackets; the first is the array's. */
  #depth = 0;
  #inString = false;

  /** Characters of the incomplete element. */
  get length(): number {
    return this.#text.length;
  }

  /** Yields the elements that are now complete. Throws `CutShort` if something other than an array follows. */
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
        else if (!isSpace(char)) throw new CutShort("other data follows the JSON array");
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

  /** Throws `CutShort` if an array is still open. */
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
