/** Calls `fn` every `ms` milliseconds, first after `ms`. Returns the function that stops it. */
export function interval(fn: () => void, ms: number): () => void {
  const timer = setInterval(fn, ms);
  return () => clearInterval(timer);
}
