/** A canvas at the screen's resolution, with a pen in CSS pixels. */
export interface Surface {
  readonly pen: CanvasRenderingContext2D;
  /** In CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** More than two device pixels per CSS pixel cost time without a visible difference. */
export function pixelRatio(): number {
  return Math.min(2, devicePixelRatio || 1);
}

/** Sizes the canvas and scales its pen to CSS pixels. Its content is kept unless the size changes. */
export function surfaceOf(canvas: HTMLCanvasElement, width: number, height: number): Surface | undefined {
  const pen = canvas.getContext("2d");
  if (!pen || width <= 0 || height <= 0) return undefined;
  const ratio = pixelRatio();
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { pen, width, height };
}

/** The same, cleared. */
export function clearSurfaceOf(canvas: HTMLCanvasElement, width: number, height: number): Surface | undefined {
  const surface = surfaceOf(canvas, width, height);
  surface?.pen.clearRect(0, 0, width, height);
  return surface;
}

/** Calls back with the size of an element, at once and when it changes. Returns a function that stops it. */
export function watchSize(host: Element, onSize: (width: number, height: number) => void): () => void {
  const observer = new ResizeObserver(([entry]) => {
    if (entry) onSize(Math.floor(entry.contentRect.width), Math.floor(entry.contentRect.height));
  });
  observer.observe(host);
  return () => observer.disconnect();
}

export const canvasFont = (px: number, weight = 400) => `${weight} ${px}px "Inter Tabular", system-ui, sans-serif`;
