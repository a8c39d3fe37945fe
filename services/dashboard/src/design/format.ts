/** Formats and parses numbers and times. Texts have a fixed width in tabular figures. */

const sizeFormats = new Map<number, Intl.NumberFormat>();

function fixed(value: number, decimals: number): string {
  let format = sizeFormats.get(decimals);
  if (!format) {
    format = new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    sizeFormats.set(decimals, format);
  }
  return format.format(value);
}

export const none = "–";

export function priceText(price: number | null | undefined, decimals: number): string {
  return price === null || price === undefined ? none : fixed(price, decimals);
}

/** More are hard to read in a column, and not worth it. */
const maxSizeDecimals = 5;

/** A size with its market's decimals, so that decimal points line up in a column: 0.012, 4.250, 1,432.5, 12.4K. */
export function sizeText(size: number, decimals: number): string {
  if (size >= 1e9) return `${fixed(size / 1e9, 2)}B`;
  if (size >= 1e6) return `${fixed(size / 1e6, 2)}M`;
  if (size >= 1e5) return `${fixed(size / 1e3, 1)}K`;
  return fixed(size, Math.min(decimals, size >= 10_000 ? 0 : size >= 1000 ? 1 : maxSizeDecimals));
}

export function signed(value: number, decimals: number): string {
  const text = fixed(Math.abs(value), decimals);
  if (Number(text.replaceAll(",", "")) === 0) return fixed(0, decimals);
  return value < 0 ? `−${text}` : `+${text}`;
}

export function numberText(value: number | undefined, decimals: number): string {
  return value === undefined ? none : fixed(value, decimals);
}

const two = (n: number) => String(n).padStart(2, "0");

/** `12:03:04.120` in UTC. */
export function clockText(ms: number, decimals: 0 | 1 | 3 = 3): string {
  const date = new Date(ms);
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  if (decimals === 0) return time;
  const milliseconds = String(date.getUTCMilliseconds()).padStart(3, "0");
  return `${time}.${milliseconds.slice(0, decimals)}`;
}

/** `2023-04-05` in UTC. */
export function dateText(ms: number): string {
  const date = new Date(ms);
  return `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

/** `2023-04-05 12:03:04` in UTC. */
export function dateTimeText(ms: number): string {
  return `${dateText(ms)} ${clockText(ms, 0)}`;
}

/** A duration: 0:42, 12:05, 3:07:41. */
export function lengthText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A short duration: 850 ms, 4.2 s, 3 min, 2 h. */
export function spanText(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1000) return `${Math.round(size)} ms`;
  if (size < 60_000) return `${trim(size / 1000)} s`;
  if (size < 3_600_000) return `${trim(size / 60_000)} min`;
  if (size < 86_400_000) return `${trim(size / 3_600_000)} h`;
  return `${trim(size / 86_400_000)} d`;
}

const units: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1000, "second"],
];

/** A duration in words, by its two largest units: 1 day 13 hours, 2 minutes 5 seconds. */
export function spanWords(ms: number): string {
  const seconds = Math.round(ms / 1000) * 1000;
  const at = units.findIndex(([size]) => seconds >= size);
  if (at < 0) return `${Math.round(ms)} milliseconds`;
  let rest = seconds;
  const words = units.slice(at, at + 2).flatMap(([size, name]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? [`${count} ${name}${count === 1 ? "" : "s"}`] : [];
  });
  return words.join(" ");
}

/** `1.5m`, `90s`, `1:30`, `2h` as milliseconds. A bare number means seconds. Undefined if it is not a duration. */
export function parseLength(text: string): number | undefined {
  const wanted = text.trim().toLowerCase();
  const clock = /^(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)$/.exec(wanted);
  if (clock) {
    const [, hours = "0", minutes = "0", seconds = "0"] = clock;
    return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  }
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/.exec(wanted) ?? [];
  if (amount === undefined) return undefined;
  const factor = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
  return factor === undefined ? undefined : Number(amount) * factor;
}

/** `2.5×`, `0.1×`, `1000×`. */
export function speedText(speed: number): string {
  return `${Number(speed.toFixed(2))}×`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1e6) return `${trim(bytes / 1e3)} KB`;
  if (bytes < 1e9) return `${trim(bytes / 1e6)} MB`;
  return `${trim(bytes / 1e9)} GB`;
}

export function countText(count: number): string {
  return fixed(count, 0);
}

function trim(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 1 : 0)));
}

/**
 * A time on the tape as users type it, in UTC: `12:03`, `12:03:04.5` (on the day of `nearMs`), `2023-04-05 12:03:04`, or an ISO time.
 * Undefined if it is not a time.
 */
export function parseTapeTime(text: string, nearMs: number): number | undefined {
  const wanted = text.trim().replace("T", " ").replace(/Z$/, "");
  const [, date, hours, minutes, seconds = "0"] =
    /^(?:(\d{4}-\d{2}-\d{2}) )?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?$/.exec(wanted) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 60) return undefined;
  const day = Date.parse(`${date ?? dateText(nearMs)}T00:00:00Z`);
  if (Number.isNaN(day)) return undefined;
  return day + Math.round(((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000);
}

const steps = [
  100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
  3_600_000, 7_200_000, 14_400_000, 28_800_000, 43_200_000, 86_400_000,
];

interface TimeTick {
  readonly ms: number;
  readonly text: string;
}

/** Round times within a window, far enough apart that their labels do not touch. */
export function timeTicks(from: number, to: number, width: number, labelWidth = 84): TimeTick[] {
  const most = Math.max(1, Math.floor(width / labelWidth));
  const step = steps.find((one) => (to - from) / one <= most) ?? 86_400_000;
  const ticks: TimeTick[] = [];
  for (let ms = Math.ceil(from / step) * step; ms <= to; ms += step) {
    const text = step >= 86_400_000 || ms % 86_400_000 === 0 ? dateText(ms) : clockText(ms, step < 1000 ? 1 : 0);
    ticks.push({ ms, text });
  }
  return ticks;
}
