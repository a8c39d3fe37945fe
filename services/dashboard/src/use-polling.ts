import { useCallback, useEffect, useRef, useState } from "react";

interface PollResult<T> {
  readonly value: T | undefined;
  /** The error of the last poll; `value` is then from an earlier one. */
  readonly problem: string | undefined;
  /** Polls now. */
  readonly refresh: () => void;
}

/** Polls while the page is visible. A new `load` function polls at once. */
export function usePolling<T>(load: () => Promise<T>, everyMs: number): PollResult<T> {
  const [value, setValue] = useState<T>();
  const [problem, setProblem] = useState<string>();
  const pollNow = useRef<() => void>(() => {});
  useEffect(() => {
    let mounted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = async () => {
      clearTimeout(timer);
      try {
        const loaded = document.hidden ? undefined : await load();
        if (!mounted) return;
        if (loaded !== undefined) setValue(loaded);
        setProblem(undefined);
      } catch (error) {
        if (mounted) setProblem(error instanceof Error ? error.message : String(error));
      }
      if (mounted) timer = setTimeout(() => void poll(), everyMs);
    };
    pollNow.current = () => void poll();
    void poll();
    return () => {
      mounted = false;
      clearTimeout(timer);
    };
  }, [load, everyMs]);
  const refresh = useCallback(() => pollNow.current(), []);
  return { value, problem, refresh };
}
