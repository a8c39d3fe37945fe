import { type RefObject, useEffect, useRef, useState } from "react";
import type { PlaybackController } from "../playback/playback-controller";
import { usePlayback } from "../playback-context";

interface View {
  dispose(): void;
}

/** Puts a view that draws by itself into an element, for as long as that is on the page. */
export function useView<V extends View>(
  make: (host: HTMLDivElement, playback: PlaybackController) => V,
): { readonly host: RefObject<HTMLDivElement | null>; readonly view: V | undefined } {
  const host = useRef<HTMLDivElement>(null);
  const playback = usePlayback();
  const [view, setView] = useState<V>();
  const maker = useRef(make);
  useEffect(() => {
    if (!host.current) return;
    const made = maker.current(host.current, playback);
    setView(made);
    return () => {
      setView(undefined);
      made.dispose();
    };
  }, [playback]);
  return { host, view };
}
