import { framesPerSegment, segments } from "@tapedeck/market";

/** A simulated tape has ten frames a second without exception, so seq and time follow from each other. */
export const frameNs = 100_000_000;
/** Six seconds; ten blocks make a segment. */
export const framesPerSimulatedBlock = 60;
export const frameCount = segments * framesPerSegment;
export const blockCount = frameCount / framesPerSimulatedBlock;
export const blocksPerSegment = framesPerSegment / framesPerSimulatedBlock;
