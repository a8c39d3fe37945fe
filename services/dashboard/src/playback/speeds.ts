export const presets = [0.5, 1, 2, 5, 10, 50, 100] as const;
const steps = [0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000];

const minSpeed = 0.1;
const maxSpeed = 1000;

/** The next step above or below. */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  if (direction > 0) return steps.find((step) => step > speed * 1.001) ?? maxSpeed;
  return steps.findLast((step) => step < speed * 0.999) ?? minSpeed;
}

/** Accepts `2`, `2x`, `0,5`. Undefined unless it is from 0.1 to 1000. */
export function parseSpeed(text: string): number | undefined {
  const value = Number(text.trim().replace(/[x×]$/i, "").replace(",", "."));
  return text.trim() !== "" && value >= minSpeed && value <= maxSpeed ? value : undefined;
}
