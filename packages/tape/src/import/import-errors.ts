/** A recording, or an instrument of it, that cannot become a tape. The message is a sentence for the person who asked for it. */
export class ImportRefused extends Error {
  override readonly name = "ImportRefused";
}

/** Thrown by a format's parser: what is wrong with the line at hand. */
export class BrokenLine extends Error {
  override readonly name = "BrokenLine";
}

/** The file ends too early, or is damaged from here on. What came before it was read well. */
export class CutShort extends Error {
  override readonly name = "CutShort";
}
