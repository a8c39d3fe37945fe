/** A recording, or an instrument of it, cannot become a tape. The message is a sentence for the user. */
export class ImportRefused extends Error {
  override readonly name = "ImportRefused";
}

/** Thrown by a format's parser. The message says what is wrong with the line. */
export class BrokenLine extends Error {
  override readonly name = "BrokenLine";
}

/** The file ends too early or is damaged from here on; everything before was read. */
export class CutShort extends Error {
  override readonly name = "CutShort";
}
