import { StoreUnavailable } from "../errors.js";
import { FileMissing } from "./store.js";

/** Waits for what a store reads; its absence becomes a refusal that clients may hear. */
export async function orUnavailable<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof FileMissing ? error : new StoreUnavailable(error);
  }
}
