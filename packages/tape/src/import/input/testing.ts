import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";

/** Small recordings that tests write, compress, truncate and damage. */

const startMs = Date.UTC(2024, 7, 8, 23, 54);

/** Binance messages, one per line and ten a second: four diffs, then a trade. */
export function binanceLines(count: number, { received = false, symbol = "BTCUSDT" } = {}): string[] {
  return Array.from({ length: count }, (_, n) => {
    const ms = startMs + n * 100;
    const message =
      n % 5 === 4
        ? `{"e":"trade","E":${ms},"s":"${symbol}","t":${Math.floor(n / 5)},"p":"100.25","q":"1","T":${ms},"m":true,"M":true}`
        : `{"e":"depthUpdate","E":${ms},"s":"${symbol}","U":${idAt(n)},"u":${idAt(n)},"b":[["100","${n + 1}"]],"a":[["100.5","2"]]}`;
    return received ? `${ms}000000 ${message}` : message;
  });
}

/** Diffs have consecutive ids. */
function idAt(n: number): number {
  return n - Math.floor(n / 5);
}

export function csvLines(rows: number, header = "time,bid_price_1,bid_size_1,ask_price_1,ask_size_1"): string[] {
  return [header, ...Array.from({ length: rows }, (_, n) => `${startMs + n * 100},${100 + n},1,${101 + n},2`)];
}

export function textOf(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

export function zipOf(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  const encoder = new TextEncoder();
  return zipSync(
    Object.fromEntries(
      Object.entries(files).map(([name, content]) => [
        name,
        typeof content === "string" ? encoder.encode(content) : content,
      ]),
    ),
  );
}

export class TestFolder {
  #path = "";
  #files = 0;

  get path(): string {
    return this.#path;
  }

  async make(): Promise<void> {
    this.#path = await mkdtemp(join(tmpdir(), "tapedeck-input-"));
  }

  async remove(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }

  /** Writes a file, with a new name by default. */
  async file(content: string | Uint8Array, name = `recording-${++this.#files}`): Promise<string> {
    const path = join(this.#path, name);
    await writeFile(path, content);
    return path;
  }
}

/** A zstd frame of raw (uncompressed) blocks. */
export function zstdOf(content: string | Uint8Array, { checksum = false } = {}): Uint8Array {
  const bytes = Buffer.from(content);
  const block = 128 * 1024;
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, checksum ? 4 : 0, 7 << 3])];
  for (let at = 0; at < bytes.length; at += block) {
    const content = bytes.subarray(at, at + block);
    const header = Buffer.alloc(3);
    header.writeUIntLE((content.length << 3) | (at + block >= bytes.length ? 1 : 0), 0, 3);
    parts.push(header, content);
  }
  return Buffer.concat(checksum ? [...parts, Buffer.alloc(4)] : parts);
}
