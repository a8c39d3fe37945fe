import { get } from "./rest.js";

/** Where a venue's REST lists what is traded, and how to read that. */
export interface SymbolList {
  /** Each with its query; asked for one after the other. */
  readonly paths: readonly string[];
  /** The symbols of one answer, as users write them, and what to ask for after it where the venue tells page by page. */
  read(answer: unknown): { readonly symbols: readonly string[]; readonly next?: string };
}

/** More pages than that make no list. */
const mostPages = 50;

/** All symbols that a venue lists, in capitals. Rejects where there is no answer, or none that makes sense. */
export async function fetchSymbols({ paths, read }: SymbolList, rest: URL, signal: AbortSignal): Promise<string[]> {
  const symbols = new Set<string>();
  const left = [...paths];
  for (let pages = 0; pages < mostPages; pages++) {
    const path = left.shift();
    if (path === undefined) break;
    const { status, text } = await get(new URL(path, rest), signal);
    if (status !== 200) throw new Error(`${path} is answered with ${status}`);
    const page = read(JSON.parse(text));
    for (const symbol of page.symbols) symbols.add(symbol.toUpperCase());
    if (page.next !== undefined) left.unshift(page.next);
  }
  if (left.length > 0) throw new Error(`the list has more than ${mostPages} pages`);
  if (symbols.size === 0) throw new Error("the list is empty");
  return [...symbols];
}
