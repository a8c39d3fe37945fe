import { useCallback, useEffect, useRef, useState } from "react";

export interface PollResult<T> {
  readonly value: T | undefined;
  /** Of the last attempt; the value is then that of an earlier one. */
  readonly problem: string | undefined;
  /** Asks now. */
  readonly again: () => void;
}

/** Asks every so many ms for as long as the page is in sight. A new `ask` asks at once. */
export function usePolling<T>(ask: () => Promise<T>, everyMs: number): PollResult<T> {
  const [value, setValue] = useState<T>();
  const [problem, setProblem] = useState<string>();
  const now = useRef<() => void>(() => {});
  useEffect(() => {
    let here = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      clearTimeout(timer);
      try {
        const answer = document.hidden ? undefined : await ask();
        if (!here) return;
        if (answer !== undefined) setValue(answer);
        setProblem(undefined);
      } catch (error) {
        if (here) setProblem(error instanceof Error ? error.message : String(error));
      }
      if (here) timer = setTimeout(() => void turn(), everyMs);
    };
    now.current = () => void turn();
    void turn();
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [ask, everyMs]);
  const again = useCallback(() => now.current(), []);
  return { value, problem, again };
}
