import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { CutShort, ImportRefused } from "../import-errors.js";
import { type ByteSource, type Bytes, beginningOf, fileSource, textOf } from "./byte-source.js";
import { type Compression, compressionOf, decompress } from "./decompress.js";
import { ArrayElements, beginsArray } from "./json-array.js";
import { isParquet, ParquetTable } from "./table/parquet-table.js";
import { headerLine, type Table } from "./table/table.js";
import { UnpackedFiles } from "./unpacked-files.js";
import { signatureBytes, unsupportedKind } from "./unsupported-kinds.js";
import { filesInZip, isZip } from "./zip-archive.js";

export interface RecordingFile {
  readonly path: string;
  readonly name: string;
  /** Size on disk. */
  readonly bytes: number;
  readonly source: ByteSource;
  readonly compression: Compression;
  /** The file consists of JSON arrays, whose elements count as lines. */
  readonly array: boolean;
  /** The first bytes, 512 of a text and 64 KB of a binary format, or all if there are fewer. */
  readonly beginning: Buffer;
  /** The first lines, about 64 KB, without an incomplete last one. */
  readonly head: readonly string[];
  /** The rows of a file of columns, which `head` and all formats see as lines of CSV. */
  readonly table?: Table;
  /** Why it cannot be a recording, regardless of its lines; completes a sentence about the file. */
  readonly unreadable: string | undefined;
  /** The user named this file, rather than a folder or archive that contains it. */
  readonly named: boolean;
}

/** A file found beside a recording that is not a recording. */
export interface SkippedFile {
  readonly path: string;
  /** Completes a sentence about the file. */
  readonly reason: string;
}

export interface OpenedRecording {
  readonly files: readonly RecordingFile[];
  readonly skipped: readonly SkippedFile[];
  /** Removes what was unpacked. The files cannot be read then. */
  close(): Promise<void>;
}

const headBytes = 64 * 1024;

/** Databento's binary encoding. */
export function isDbn(beginning: Buffer): boolean {
  return beginning.toString("latin1", 0, 3) === "DBN";
}

/** Opens the files of the paths; a folder or a zip stands for the files in it. Throws `ImportRefused` for a path that cannot be read. */
export async function openRecording(paths: readonly string[]): Promise<OpenedRecording> {
  const unpacked = new UnpackedFiles();
  try {
    return { ...(await filesOf(paths, unpacked)), close: () => unpacked.remove() };
  } catch (error) {
    await unpacked.remove();
    throw error;
  }
}

async function filesOf(paths: readonly string[], unpacked: UnpackedFiles): Promise<Omit<OpenedRecording, "close">> {
  const files: RecordingFile[] = [];
  const skipped: SkippedFile[] = [];
  for (const path of paths) {
    const named = await isNamedFile(path);
    for (const found of named ? [path] : await filesInFolder(path, skipped)) {
      files.push(...(await inspectPath(found, named, unpacked)));
    }
  }
  if (files.length === 0) throw new ImportRefused(`There is no file to import in ${paths.join(", ")}.`);
  return { files, skipped };
}

async function isNamedFile(path: string): Promise<boolean> {
  return readable(path, async () => !(await stat(path)).isDirectory());
}

async function filesInFolder(path: string, skipped: SkippedFile[]): Promise<string[]> {
  return readable(path, async () => {
    const found: string[] = [];
    for (const name of (await readdir(path)).sort()) {
      const inside = join(path, name);
      // Links are followed; a dangling link has no stats.
      const stats = await stat(inside).catch(() => undefined);
      if (name.startsWith(".")) skipped.push({ path: inside, reason: "is a hidden file" });
      else if (stats?.isDirectory()) skipped.push({ path: inside, reason: "is a folder: name it to import its files" });
      else if (stats?.isFile()) found.push(inside);
      else skipped.push({ path: inside, reason: "is not a file" });
    }
    return found;
  });
}

async function inspectPath(path: string, named: boolean, unpacked: UnpackedFiles): Promise<RecordingFile[]> {
  return readable(path, async () => {
    const source = await fileSource(path);
    if (!isZip(await beginningOf(source.open(ignored), 4))) return [await inspectSource(source, named, unpacked)];
    const inside: RecordingFile[] = [];
    for (const entry of await filesInZip(source)) inside.push(await inspectSource(entry, false, unpacked));
    return inside;
  });
}

async function inspectSource(source: ByteSource, named: boolean, unpacked: UnpackedFiles): Promise<RecordingFile> {
  const { path, name, size } = source;
  const file = { path, name, bytes: size, source, named };
  try {
    const compression = compressionOf(await beginningOf(source.open(ignored), 4));
    const beginning = await readableBeginning(decompress(source.open(ignored), compression));
    if (isParquet(beginning)) {
      const packed = source.slice === undefined || compression !== undefined;
      const whole = packed ? await unpacked.add(decompress(source.open(ignored), compression), name) : source;
      return { ...file, compression, beginning, array: false, ...(await tableOf(whole)) };
    }
    const kind = nestedCompression(beginning, compression) ?? unsupportedKind(beginning, name);
    const head = await headOf(source, compression);
    return { ...file, compression, beginning, ...head, ...(kind && { unreadable: kind }) };
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    const unreadable = `cannot be read: ${error.message}`;
    return { ...file, compression: undefined, beginning: Buffer.alloc(0), array: false, head: [], unreadable };
  }
}

/** Rows of a table in the head of its file. */
const headRows = 500;

async function tableOf({
  slice = unreachable,
  size,
}: ByteSource): Promise<Pick<RecordingFile, "head" | "table" | "unreadable">> {
  try {
    const table = await ParquetTable.open({ byteLength: size, slice: (start, end = size) => slice(start, end) });
    return { head: [headerLine(table), ...(await table.firstLines(headRows))], table, unreadable: undefined };
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    return { head: [], unreadable: `is a Parquet file that cannot be read: ${error.message}` };
  }
}

function unreachable(): Promise<ArrayBuffer> {
  return Promise.reject(new CutShort("it can only be read from its beginning"));
}

/** Of damaged data what can be read. */
async function readableBeginning(bytes: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let found = 0;
  try {
    for await (const chunk of bytes) {
      chunks.push(chunk);
      found += chunk.length;
      if (found >= headBytes) break;
    }
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
  }
  const beginning = Buffer.concat(chunks).subarray(0, headBytes);
  return isDbn(beginning) ? beginning : Buffer.from(beginning.subarray(0, signatureBytes));
}

function nestedCompression(beginning: Buffer, compression: Compression): string | undefined {
  if (isZip(beginning)) return "is a zip inside an archive: unpack it";
  return compression && compressionOf(beginning) && "is compressed twice: decompress it once";
}

async function headOf(
  source: ByteSource,
  compression: Compression,
): Promise<Pick<RecordingFile, "array" | "head" | "unreadable">> {
  let text = "";
  let cut = false;
  let damage: string | undefined;
  try {
    for await (const chunk of textOf(decompress(source.open(ignored), compression))) {
      text += chunk;
      cut = text.length >= headBytes;
      if (cut) break;
    }
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    damage = error.message;
  }
  const array = beginsArray(text);
  const head = array ? elementsOf(text) : linesOf(text, cut);
  const empty = head.every((line) => line === "");
  const unreadable = !empty ? undefined : damage === undefined ? "is empty" : `cannot be read: ${damage}`;
  return { array, head, unreadable };
}

function linesOf(text: string, cut: boolean): string[] {
  const lines = text.split(/\r?\n/);
  // The first line may be longer than the head, for example a whole book: then its beginning is enough.
  if (lines.length > 1 && (cut || lines.at(-1) === "")) lines.pop();
  return lines;
}

function elementsOf(text: string): string[] {
  const elements: string[] = [];
  const cutter = new ArrayElements();
  try {
    for (const element of cutter.push(text)) elements.push(element);
  } catch (error) {
    if (!(error instanceof CutShort)) throw error; // the import reports it
  }
  return elements.length > 0 ? elements : [text.replace(/^\uFEFF?\s*\[\s*/, "")];
}

function ignored(): void {}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ImportRefused) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImportRefused(`${path} cannot be read: ${reason}.`, { cause: error });
  }
}
