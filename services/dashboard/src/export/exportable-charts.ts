import { useEffect } from "react";

/** A view that can be exported as a picture. */
interface ExportableChart {
  toCanvas(): HTMLCanvasElement;
}

const views = new Map<string, ExportableChart>();

/** The charts that are on the page now. */
export function exportableCharts(): ReadonlyMap<string, ExportableChart> {
  return views;
}

export function useExportableChart(name: string, view: ExportableChart | undefined): void {
  useEffect(() => {
    if (!view) return;
    views.set(name, view);
    return () => {
      if (views.get(name) === view) views.delete(name);
    };
  }, [name, view]);
}
