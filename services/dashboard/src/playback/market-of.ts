/** A simulated tape that orders have branched off shows the same market, and the same past: its name without the branch. */
export function marketOf(tape: string): string {
  return tape.replace(/~[^@]*/, "");
}
