import { dirname, join } from "node:path";
import type { RecordingFile } from "../../input/recording-file.js";

/** `KRAKEN.ws.0.3` is the fourth file of a connection: the recorder begins another one every 100 MB. */
const partName = /^(.+\.(?:ws|http)\.\d+)\.(\d+)(?:\.\w+)?$/;

/** Puts the files of one connection together, in their order. Any other file is by itself. */
export function connectionsOf(files: readonly RecordingFile[]): RecordingFile[][] {
  const connections = new Map<string, { readonly part: number; readonly file: RecordingFile }[]>();
  for (const file of files) {
    const [, connection, part] = partName.exec(file.name) ?? [];
    const key = connection === undefined ? `${file.path} alone` : join(dirname(file.path), connection);
    connections.set(key, [...(connections.get(key) ?? []), { part: Number(part ?? 0), file }]);
  }
  return [...connections.values()].map((parts) => parts.sort((a, b) => a.part - b.part).map(({ file }) => file));
}
