/** `1:02:03`. */
export function formatDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** Milliseconds with one decimal, or a dash where there are none. */
export function formatMillis(value: unknown): string {
  return typeof value === "number" ? value.toFixed(1) : "-";
}
