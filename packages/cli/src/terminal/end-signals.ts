const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type EndSignal = (typeof signals)[number];

/**
 * Ctrl-C reaches this process twice under npm: the terminal signals all processes in it, and npm passes on what it gets. So does a
 * signal to the process group, such as that of `timeout`.
 */
const sameRequestMs = 1000;

export interface EndRequests {
  /** The first signal. */
  readonly end: (signal: EndSignal) => void;
  /** The same signal again, later than a second after it first came. */
  readonly force: (signal: EndSignal) => void;
}

/** Calls `end` and `force` at most once each. Returns what gives the signals their usual effect again. */
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
