/** Kinds of files that recordings may come in but that are not supported, and how to convert each. */
const kinds: readonly { magic: string; at?: number; what: string; remedy: (name: string) => string }[] = [
  { magic: "BZh", what: "compressed with bzip2", remedy: (name) => `decompress it with \`bunzip2 ${name}\`` },
  { magic: "\xfd7zXZ\0", what: "compressed with xz", remedy: (name) => `decompress it with \`unxz ${name}\`` },
  { magic: "\x04\x22\x4d\x18", what: "compressed with lz4", remedy: (name) => `decompress it with \`unlz4 ${name}\`` },
  { magic: "7z\xbc\xaf\x27\x1c", what: "a 7z archive", remedy: (name) => `unpack it with \`7z x ${name}\`` },
  { magic: "Rar!\x1a\x07", what: "a rar archive", remedy: (name) => `unpack it with \`unrar x ${name}\`` },
  {
    magic: "ustar",
    at: 257,
    what: "a tar archive",
    remedy: (name) => `unpack it with \`tar -xf ${name}\` and import the folder`,
  },
  { magic: "ARROW1", what: "an Arrow file", remedy: () => "export it as CSV" },
  { magic: "\x89HDF\r\n", what: "an HDF5 file", remedy: () => "export it as CSV" },
  { magic: "\x93NUMPY", what: "a NumPy array", remedy: () => "export it as CSV" },
  { magic: "SQLite format 3\0", what: "an SQLite database", remedy: () => "export its tables as CSV" },
];

/** Bytes from the beginning of a file that reveal its kind. */
export const signatureBytes = 512;

/** Completes a sentence about a file of an unsupported kind; undefined if it may be a recording. */
export function unsupportedKind(beginning: Buffer, name: string): string | undefined {
  const found = kinds.find(({ magic, at = 0 }) => beginning.toString("latin1", at, at + magic.length) === magic);
  return found && `is ${found.what}, which is not supported: ${found.remedy(name)}`;
}
