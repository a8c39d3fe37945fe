/** In a query: ioredis accepts `?password=`, our Sentinel addresses `?sentinel_password=`. */
const queryPassword = /([?&]\w*password=)[^&\s"']*/gi;

/** An address to show to people. Everything up to its last @ may be a user and password, even in a malformed address. */
export function redactAddress(address: string): string {
  return address.replace(queryPassword, "$1***").replace(/\/\/.*@/s, "//***@");
}

/** An address for programs that have their own credentials. */
export function stripCredentials(address: string): string {
  return address
    .replace(/([?&])\w*password=[^&]*(&|$)/gi, (_, before: string, after: string) => (after === "" ? "" : before))
    .replace(/\/\/.*@/s, "//");
}

/** A text that may quote addresses, such as a log line. A password in a well-formed address contains no slash. */
export function redactText(text: string): string {
  return text.replace(queryPassword, "$1***").replace(/\/\/[^\s/"':@]*:[^\s/"']*@/g, "//***@");
}

/**
 * What a terminal acts on instead of showing it: control characters (escape sequences begin with one), format characters (they reorder and
 * hide text), line separators, and unpaired surrogates.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const unprintableInLines = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Untrusted text, such as a file name or session id, as part of one line: unprintable characters become escapes such as `\u001b`. JSON stays equivalent. */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

/** The same for text of several lines: line breaks and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(unprintableInLines, escaped);
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    const code = character.charCodeAt(at).toString(16);
    return `\\u${code.padStart(4, "0")}`;
  }).join("");
}
