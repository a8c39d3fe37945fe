export const presets = [0.5, 1, 2, 5, 10, 50, 100] as const;
const steps = [0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000];

export const leastSpeed = 0.1;
export const mostSpeed = 1000;

/** The next of the usual speeds above or below. */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  if (direction > 0) return steps.find((step) => step > speed * 1.001) ?? mostSpeed;
  return steps.findLast((step) => step < speed * 0.999) ?? leastSpeed;
}

/** `2`, `2x`, `0,5`; undefined for what is no speed from 0.1 to 1000. */
export function parseSpeed(text: string): number | undefined {
  const value = Number(text.trim().replace(/[x×]$/i, "").replace(",", "."));
  return text.trim() !== "" && value >= leastSpeed && value <= mostSpeed ? value : undefined;
}
