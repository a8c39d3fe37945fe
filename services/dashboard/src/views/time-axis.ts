import { clockText, dateText } from "../design/format";

const steps = [
  100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
  3_600_000, 7_200_000, 14_400_000, 28_800_000, 43_200_000, 86_400_000,
];

export interface TimeTick {
  readonly ms: number;
  readonly text: string;
}

/** Round times within a window, so far apart that their labels do not touch. */
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
