import { readdirSync, readFileSync } from "node:fs";
import type { CDPSession } from "playwright-core";

/** Processor time in ms by category, of one page and its browser. */
export interface Spent {
  /** Of the page's main thread, as the browser counts it. */
  readonly main: number;
  readonly script: number;
  readonly layout: number;
  readonly style: number;
  /** Of the other threads: work that a graphics card would do or support. */
  readonly raster: number;
  readonly compositing: number;
  readonly rest: number;
}

/** Clock ticks per second in /proc, on every Linux. */
const ticksPerSecond = 100;

/** Counts by thread, because without a graphics card most of the time is painting, which a card would do. */
export class Threads {
  readonly #page: CDPSession;
  readonly #pids: readonly number[];

  /** @param page with `Performance.enable` on, in thread ticks */
  static async of(page: CDPSession, browser: CDPSession): Promise<Threads> {
    const { processInfo } = await browser.send("SystemInfo.getProcessInfo");
    return new Threads(
      page,
      processInfo.map(({ id }) => id),
    );
  }

  private constructor(page: CDPSession, pids: readonly number[]) {
    this.#page = page;
    this.#pids = pids;
  }

  async spent(): Promise<Spent> {
    const { metrics } = await this.#page.send("Performance.getMetrics");
    const seconds = (name: string) => 1000 * (metrics.find((metric) => metric.name === name)?.value ?? 0);
    let [raster, compositing, rest] = [0, 0, 0];
    for (const { name, ms, main } of this.#pids.flatMap(threadsOf)) {
      if (/^CompositorTile|^ThreadPoolForeg/.test(name)) raster += ms;
      else if (/^Compositor|^VizCompositor|^CrGpu|^Gpu/.test(name)) compositing += ms;
      else if (!main) rest += ms;
    }
    return {
      main: seconds("TaskDuration"),
      script: seconds("ScriptDuration"),
      layout: seconds("LayoutDuration"),
      style: seconds("RecalcStyleDuration"),
      raster,
      compositing,
      rest,
    };
  }
}

/** Time spent between two readings, in ms per second. */
export function perSecond(before: Spent, after: Spent, seconds: number): Spent {
  const rate = (name: keyof Spent) => (after[name] - before[name]) / seconds;
  return {
    main: rate("main"),
    script: rate("script"),
    layout: rate("layout"),
    style: rate("style"),
    raster: rate("raster"),
    compositing: rate("compositing"),
    rest: rate("rest"),
  };
}

function threadsOf(pid: number): { name: string; ms: number; main: boolean }[] {
  let ids: string[];
  try {
    ids = readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // the process has ended
  }
  return ids.flatMap((id) => {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${id}/stat`, "utf8");
      const end = stat.lastIndexOf(")");
      const fields = stat.slice(end + 2).split(" ");
      const ticks = Number(fields[11]) + Number(fields[12]);
      return [
        { name: stat.slice(stat.indexOf("(") + 1, end), ms: (ticks * 1000) / ticksPerSecond, main: id === String(pid) },
      ];
    } catch {
      return [];
    }
  });
}
