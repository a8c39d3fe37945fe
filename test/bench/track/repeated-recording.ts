import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";

/** What moves on from one round to the next: nanoseconds and ids. */
interface Shift {
  readonly ms: number;
  readonly updates: number;
  readonly trades: number;
}

/**
 * Writes a recording of Binance's futures several times in a row, as one that is so many times as long: each round follows the one before
 * without a gap in times, update ids and trade ids. The depth response is only in the first one; so where a round begins, levels of the last
 * one's end contradict its changes and are removed.
 *
 * @param files gzipped lines of a time in microseconds and a message; a depth response precedes the first update
 */
export async function writeRepeated(files: readonly string[], rounds: number, path: string): Promise<void> {
  const lines: string[] = [];
  for (const file of files) {
    for await (const line of createInterface(createReadStream(file).pipe(createGunzip()))) lines.push(line);
  }
  const shift = shiftOf(lines);
  const output = await open(path, "w");
  try {
    for (let round = 0; round < rounds; round++) {
      const shifted = lines.flatMap((line) =>
        round > 0 && line.includes("lastUpdateId") ? [] : [`${moved(line, shift, round)}\n`],
      );
      await output.writeFile(shifted.join(""));
    }
  } finally {
    await output.close();
  }
}

function shiftOf(lines: readonly string[]): Shift {
  const numbers = (pattern: RegExp) => lines.flatMap((line) => Number(pattern.exec(line)?.[1] ?? Number.NaN) || []);
  const span = (all: readonly number[]) => (all.at(-1) ?? 0) - (all[0] ?? 0);
  const previous = numbers(/"pu":(\d+)/);
  const last = numbers(/"u":(\d+),"pu"/);
  return {
    ms: Math.ceil(span(numbers(/^(\d+)/)) / 1_000) + 100,
    updates: (last.at(-1) ?? 0) - (previous[0] ?? 0),
    trades: span(numbers(/"t":(\d+)/)) + 1,
  };
}

function moved(line: string, { ms, updates, trades }: Shift, round: number): string {
  const by = (amount: number) => (_: string, key: string, value: string) => `${key}${Number(value) + round * amount}`;
  return line
    .replace(/^()(\d+)/, by(1_000 * ms))
    .replace(/("[ET]":)(\d{13})/g, by(ms))
    .replace(/("(?:U|u|pu)":)(\d+)/g, by(updates))
    .replace(/("t":)(\d+)/, by(trades));
}
