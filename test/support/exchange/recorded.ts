import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { type Client, FakeExchange } from "./fake-exchange.js";

/** Folder of the real recordings: beside the repository, or where `TAPEDECK_TEST_DATA` says. */
const folder = process.env.TAPEDECK_TEST_DATA
  ? new URL(`${process.env.TAPEDECK_TEST_DATA.replace(/\/?$/, "/")}`, "file:///")
  : new URL("../../../../shared/data/", import.meta.url);

export const recordingsAbsent = !existsSync(folder);

/** The messages that a venue once sent, without the times of receipt. */
export function recordedTexts(...files: readonly string[]): string[] {
  return files.flatMap((file) => {
    const bytes = readFileSync(fileURLToPath(new URL(file, folder)));
    const text = (file.endsWith("gz") ? gunzipSync(bytes) : bytes).toString("utf8");
    return text.split("\n").flatMap((line) => /^\d[\d.]*:? (.*)$/.exec(line)?.[1] ?? []);
  });
}

/** Sends a recording to every client as fast as possible, and answers every GET with the same body. */
export class RecordedExchange extends FakeExchange {
  readonly #texts: readonly string[];
  readonly #answer: unknown;

  constructor(texts: readonly string[], answer: unknown = {}) {
    super();
    this.#texts = texts;
    this.#answer = answer;
  }

  protected override onConnect(client: Client): void {
    for (const text of this.#texts) client.sendText(text);
  }

  protected override onMessage(): void {}

  protected override get(): { status: number; body: unknown } {
    return { status: 200, body: this.#answer };
  }
}
