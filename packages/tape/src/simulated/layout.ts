import { framesPerSegment, segments } from "@tapedeck/market";

/** A simulated tape has ten frames a second without exception, so seq and time follow from each other. */
export const frameNs = 100_000_000;
/** Six seconds; ten blocks make a segment. */
export const framesPerBlock = 60;
export const frames = segments * framesPerSegment;
export const blocks = frames / framesPerBlock;
export const blocksPerSegment = framesPerSegment / framesPerBlock;
