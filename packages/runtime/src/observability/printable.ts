/**
 * What a terminal does not show as it stands: controls (escape sequences begin with one), format characters (they reorder and hide
 * text), separators of lines, and halves of surrogate pairs.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const unprintableInLines = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * A text of somebody else's, such as a file's name or a session's id, as one piece of a line: what a terminal would act on is written
 * as `\u001b`. JSON stays the same JSON.
 */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

/** The same for text that has lines of its own: they and their tabs stay. */
export function printableLines(text: string): string {
  return text.replace(unprintableInLines, escaped);
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    const code = character.charCodeAt(at).toString(16);
    return `\\u${code.padStart(4, "0")}`;
  }).join("");
}
