/** A recording, or an instrument of it, that cannot become a tape. The message is a sentence for whoever asked for it. */
export class ImportRefused extends Error {
  override readonly name = "ImportRefused";
}

/** Thrown by a format's parser: what is wrong with the line at hand. */
export class BrokenLine extends Error {
  override readonly name = "BrokenLine";
}
