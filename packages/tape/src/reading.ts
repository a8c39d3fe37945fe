import { FileMissing } from "./store.js";
import { StoreAway } from "./tape-errors.js";

/** Waits for what a store reads; its absence becomes a refusal that clients may hear. */
export async function reading<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof FileMissing ? error : new StoreAway(error);
  }
}
