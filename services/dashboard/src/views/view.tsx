import { type RefObject, useEffect, useRef, useState } from "react";
import { clockText } from "../design/format";
import type { PlaybackController } from "../playback/playback-controller";
import { useFrameSample, usePlayback } from "../playback-context";
import styles from "./view.module.css";

interface View {
  dispose(): void;
}

/** Creates a view that draws itself into an element, and disposes it with the element. */
export function useView<V extends View>(
  create: (host: HTMLDivElement, playback: PlaybackController) => V,
): { readonly host: RefObject<HTMLDivElement | null>; readonly view: V | undefined } {
  const host = useRef<HTMLDivElement>(null);
  const playback = usePlayback();
  const [view, setView] = useState<V>();
  const creator = useRef(create);
  useEffect(() => {
    if (!host.current) return;
    const created = creator.current(host.current, playback);
    setView(created);
    return () => {
      setView(undefined);
      created.dispose();
    };
  }, [playback]);
  return { host, view };
}

/** Says that a view shows a past moment; nothing otherwise. */
export function InspectionMark() {
  const inspecting = useFrameSample((sample) => sample.inspecting);
  const ms = useFrameSample(({ shown }) => shown?.ms);
  if (!inspecting) return null;
  return <span className={styles.mark}>at {ms === undefined ? "" : clockText(ms)}</span>;
}
