/** One line or row of dots of a chart. */
interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly series: readonly Series[];
  readonly logarithmic?: { readonly x?: boolean; readonly y?: boolean };
}

const [width, height, left, bottom, top, right] = [420, 260, 48, 40, 30, 12];

/** A small line chart as SVG text. */
export function svgOf({ title, x, series, logarithmic = {} }: Chart): string {
  const scaleX = logarithmic.x ? Math.log10 : (value: number) => value;
  const scaleY = logarithmic.y ? Math.log10 : (value: number) => value;
  const points = series.flatMap((one) => one.points).filter((point) => usable(point, logarithmic));
  const xs = extent(points.map(([value]) => scaleX(value)));
  const ys = extent(points.map(([, value]) => scaleY(value)));
  const atX = (value: number) => left + ((scaleX(value) - xs.least) / xs.size) * (width - left - right);
  const atY = (value: number) => height - bottom - ((scaleY(value) - ys.least) / ys.size) * (height - bottom - top);
  const lines = series.map(({ colour, points: own }) => {
    const path = own
      .filter((point) => usable(point, logarithmic))
      .map(([px, py]) => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`);
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${path.join(" ")}"/>`;
  });
  const legend = series.map(
    ({ name, colour }, at) =>
      `<text x="${width - right}" y="${top + 12 + at * 14}" text-anchor="end" fill="${colour}">${name}</text>`,
  );
  const back = (value: number, log: boolean | undefined) => (log ? 10 ** value : value).toPrecision(2);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${left}" y="18" font-size="13">${title}</text>`,
    `<path d="M${left},${top}V${height - bottom}H${width - right}" fill="none" stroke="#888"/>`,
    `<text x="${left - 4}" y="${height - bottom}" text-anchor="end">${back(ys.least, logarithmic.y)}</text>`,
    `<text x="${left - 4}" y="${top + 8}" text-anchor="end">${back(ys.least + ys.size, logarithmic.y)}</text>`,
    `<text x="${left}" y="${height - bottom + 14}">${back(xs.least, logarithmic.x)}</text>`,
    `<text x="${width - right}" y="${height - bottom + 14}" text-anchor="end">${back(xs.least + xs.size, logarithmic.x)}</text>`,
    `<text x="${(left + width) / 2}" y="${height - 8}" text-anchor="middle">${x}</text>`,
    ...lines,
    ...legend,
    "</svg>",
    "",
  ].join("\n");
}

function usable([x, y]: readonly [number, number], { x: logX, y: logY }: NonNullable<Chart["logarithmic"]>): boolean {
  return Number.isFinite(x) && Number.isFinite(y) && !(logX && x <= 0) && !(logY && y <= 0);
}

function extent(values: readonly number[]): { least: number; size: number } {
  const least = Math.min(...values);
  return { least, size: Math.max(...values) - least || 1 };
}
