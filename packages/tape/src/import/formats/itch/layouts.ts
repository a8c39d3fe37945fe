/** What is known of the kinds of messages of ITCH 5.0, by their first byte. */

/** Their lengths in bytes, without the two of the length before them. */
export const lengths: ReadonlyMap<number, number> = new Map(
  Object.entries({
    ...{ S: 12, R: 39, H: 25, Y: 20, L: 26, V: 35, W: 12, K: 28, J: 35, h: 21 },
    ...{ A: 36, F: 40, E: 31, C: 36, X: 23, D: 19, U: 35, P: 44, Q: 40, B: 19, I: 50, N: 20, O: 48 },
  }).map(([kind, length]) => [kind.charCodeAt(0), length]),
);

/** Bytes of the length before each message. */
export const prefixBytes = 2;

/** Messages that tell the format: no other file begins with three such lengths and kinds. */
const telling = 3;

/** Whether bytes begin with messages of ITCH 5.0, whose lengths are those of their kinds. */
export function isItch(beginning: Buffer): boolean {
  let at = 0;
  for (let count = 0; count < telling && at + prefixBytes < beginning.length; count++) {
    const length = beginning.readUInt16BE(at);
    if (lengths.get(beginning[at + prefixBytes] ?? 0) !== length) return false;
    at += prefixBytes + length;
  }
  return at > 0;
}

/** Whether bytes begin as earlier versions do: with a message that is only a time in seconds. */
export function isEarlierItch(beginning: Buffer): boolean {
  return beginning.length >= 8 && beginning.readUInt16BE(0) === 5 && beginning[prefixBytes] === 0x54;
}

export function shownByte(byte: number): string {
  return JSON.stringify(String.fromCharCode(byte));
}
