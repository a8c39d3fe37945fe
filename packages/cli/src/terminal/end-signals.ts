const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type EndSignal = (typeof signals)[number];

/**
 * Under npm, Ctrl-C reaches this process twice: the terminal signals all its processes, and npm passes on the signal that it gets. The same
 * happens with a signal to the process group, as `timeout` sends.
 */
const sameRequestMs = 1000;

interface EndRequests {
  /** The first signal. */
  readonly end: (signal: EndSignal) => void;
  /** The same signal again, more than a second after it first came. */
  readonly force: (signal: EndSignal) => void;
}

/** Calls `end` and `force` at most once each. Returns the function that restores the signals' default effect. */
export function onEndSignals({ end, force }: EndRequests): () => void {
  const firstAt = new Map<EndSignal, number>();
  let forced = false;
  const onSignal = (signal: EndSignal) => {
    const now = performance.now();
    const first = firstAt.get(signal);
    if (firstAt.size === 0) end(signal);
    if (first === undefined) firstAt.set(signal, now);
    else if (now - first > sameRequestMs && !forced) {
      forced = true;
      force(signal);
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}
