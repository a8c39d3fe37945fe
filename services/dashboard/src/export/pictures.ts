import { useEffect } from "react";

/** A view that can show itself as one canvas. */
export interface Pictured {
  picture(): HTMLCanvasElement;
}

const views = new Map<string, Pictured>();

/** The views on the page now, for export as PNG. */
export function picturedViews(): ReadonlyMap<string, Pictured> {
  return views;
}

export function useRegisteredPicture(name: string, view: Pictured | undefined): void {
  useEffect(() => {
    if (!view) return;
    views.set(name, view);
    return () => {
      if (views.get(name) === view) views.delete(name);
    };
  }, [name, view]);
}
