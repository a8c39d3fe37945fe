import { createReadStream } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { ImportRefused } from "./import-errors.js";

export interface RecordingFile {
  readonly path: string;
  readonly name: string;
  /** As it lies on the disk. */
  readonly bytes: number;
  readonly gzip: boolean;
  /** The first lines, at most some 64 KB of them, without the last one where it was cut. */
  readonly head: readonly string[];
}

const headBytes = 64 * 1024;
/** A longer line is no line of a recording but something else. */
const longestLine = 32 * 1024 * 1024;

/** The files of the paths; a folder stands for the files in it. Throws `ImportRefused` naming what is not there. */
export async function openRecording(paths: readonly string[]): Promise<RecordingFile[]> {
  const files: RecordingFile[] = [];
  for (const path of paths) {
    for (const found of await filesAt(path)) files.push(await lookAt(found));
  }
  if (files.length === 0) throw new ImportRefused("There is no file to import.");
  return files;
}

async function filesAt(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile() && !entry.name.startsWith(".")).map(({ name }) => name);
    return names.sort().map((name) => join(path, name));
  } catch (error) {
    throw new ImportRefused(`${path} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

async function lookAt(path: string): Promise<RecordingFile> {
  const name = basename(path);
  try {
    const { size } = await stat(path);
    const handle = await open(path, "r");
    const magic = Buffer.alloc(2);
    await handle.read(magic, 0, 2, 0);
    await handle.close();
    const file = { path, name, bytes: size, gzip: magic[0] === 0x1f && magic[1] === 0x8b };
    return { ...file, head: await headOf(file) };
  } catch (error) {
    throw new ImportRefused(`${path} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

async function headOf(file: Omit<RecordingFile, "head">): Promise<string[]> {
  let text = "";
  let cut = false;
  for await (const chunk of textOf(file, () => undefined, { tolerant: true })) {
    text += chunk;
    cut = text.length >= headBytes;
    if (cut) break;
  }
  const lines = text.split(/\r?\n/);
  // A recording may begin with a line far longer than the head, such as a whole book: then its beginning has to do.
  if (lines.length > 1 && (cut || lines.at(-1) === "")) lines.pop();
  return lines;
}

interface Lines {
  /** Number of the first of them, from 1. */
  readonly firstNumber: number;
  readonly lines: readonly string[];
  /** Bytes of the file on the disk that were read for them. */
  readonly bytes: number;
}

/** The file's lines in batches. A compressed file that ends in the middle gives what can be read and then throws. */
export async function* linesOf(file: RecordingFile, signal?: AbortSignal): AsyncGenerator<Lines> {
  let rest = "";
  let firstNumber = 1;
  let bytes = 0;
  const counted = (length: number) => {
    bytes += length;
  };
  const taken = () => {
    const since = bytes;
    bytes = 0;
    return since;
  };
  for await (const chunk of textOf(file, counted, { signal })) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestLine)
      throw new ImportRefused(`${file.name} has a line of more than ${longestLine} bytes.`);
    yield { firstNumber, lines: lines.map(withoutReturn), bytes: taken() };
    firstNumber += lines.length;
  }
  yield { firstNumber, lines: rest === "" ? [] : [withoutReturn(rest)], bytes: taken() };
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

async function* textOf(
  file: { path: string; gzip: boolean },
  onBytes: (length: number) => void,
  options: { signal?: AbortSignal | undefined; tolerant?: boolean } = {},
): AsyncGenerator<string> {
  const raw = createReadStream(file.path, { highWaterMark: 256 * 1024 });
  raw.on("data", (chunk) => onBytes(chunk.length));
  const decoder = new TextDecoder("utf-8");
  if (!file.gzip) {
    for await (const chunk of raw) yield decoder.decode(bytesOf(chunk), { stream: true });
    return;
  }
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  // The reader of `gunzip` below meets every failure of the pipeline itself.
  pipeline(raw, gunzip, options.signal ? { signal: options.signal } : {}).catch(() => undefined);
  try {
    for await (const chunk of gunzip) yield decoder.decode(bytesOf(chunk), { stream: true });
  } catch (error) {
    if (!options.tolerant) throw error;
  } finally {
    raw.destroy();
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("a stream of bytes gave something else");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
