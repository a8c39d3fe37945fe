import { accountAnswer, type Frame, fillsAnswer, ordersAnswer } from "@tapedeck/protocol";
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";
import type { TestCluster } from "../support/cluster.js";
import type { DashboardPage, Dashboards } from "./dashboard.js";

/** Drawing may be slow on a busy machine. */
export const patience = { timeout: 20_000 };
/** Eight seconds before the recording's price falls by seven. */
const beforeTheFall = "2024-07-18T23:58:05.000Z";

/** What the cluster says of a session's orders. */
export class Orders {
  readonly #cluster: TestCluster;
  readonly #path: string;

  constructor(cluster: TestCluster, id: string) {
    this.#cluster = cluster;
    this.#path = `/sessions/${id}`;
  }

  async all() {
    return (await this.#cluster.http.ask(ordersAnswer, "GET", `${this.#path}/orders`)).orders;
  }

  async fills() {
    return (await this.#cluster.http.ask(fillsAnswer, "GET", `${this.#path}/fills`)).fills;
  }

  async account() {
    return (await this.#cluster.http.ask(accountAnswer, "GET", `${this.#path}/account`)).account;
  }
}

type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** The ladder's rows on the screen, of a paused session whose ladder is not scrolled. */
export class LadderRows {
  readonly #dashboard: DashboardPage;
  readonly #box: Box;

  static async of(dashboard: DashboardPage): Promise<LadderRows> {
    const box = await dashboard.page.getByRole("img", { name: /^Order book of / }).boundingBox();
    if (!box) throw new Error("the ladder is not visible");
    return new LadderRows(dashboard, box);
  }

  private constructor(dashboard: DashboardPage, box: Box) {
    this.#dashboard = dashboard;
    this.#box = box;
  }

  /** The middle of a row, `across` from the left (0) to the right edge (1). */
  at(side: "bid" | "ask", nth: number, across: number): Place {
    const middle = this.#box.y + Math.floor(this.#box.height / 2);
    const away = 15 + nth * 18 + 9;
    return { x: this.#box.x + this.#box.width * across, y: side === "bid" ? middle + away : middle - away };
  }

  async click(side: "bid" | "ask", nth: number, across: number, { ctrl = false } = {}): Promise<void> {
    const { x, y } = this.at(side, nth, across);
    const { keyboard, mouse } = this.#dashboard.page;
    if (ctrl) await keyboard.down("Control");
    await mouse.click(x, y);
    if (ctrl) await keyboard.up("Control");
  }

  drag(from: Place, to: Place): Promise<void> {
    return drag(this.#dashboard.page, from, to);
  }
}

/** Waits until the cluster has taken what an act of the user sends: only then the market may go on. */
export async function sent(dashboard: DashboardPage, act: () => Promise<unknown>): Promise<void> {
  const answered = dashboard.page.waitForResponse(
    (response) => response.request().method() !== "GET" && /\/order(s|-lists)\b/.test(response.url()),
  );
  await act();
  const response = await answered;
  expect(response.status(), `${response.request().postData()}: ${await response.text()}`).toBe(200);
}

/** A price with the recording's decimals. */
export const text = (price: number | undefined) => price?.toFixed(1) ?? "none";

/** A page on a session that stands before the fall, with the ticket and the list of orders open. */
export async function atTheTicket(dashboards: Dashboards, cluster: TestCluster, height = 800) {
  const { dashboard, id, view } = await dashboards.openOn(cluster, {}, { viewport: { width: 1280, height } });
  const { page } = dashboard;
  await cluster.http.control(id, "seek", { ts: beforeTheFall });
  await dashboard.showsCursor((await view()).cursor_ts);
  await dashboard.press("Open the order ticket");
  await page.getByRole("tab", { name: "Orders" }).click();
  return { dashboard, page, orders: new Orders(cluster, id), id, view };
}

/** Below the plots of heatmap and price chart. In CSS pixels. */
export const axisHeight = 28;

/** The prices that a chart shows, as it says, and where it is on the screen. */
export async function pricesOf(
  chart: Locator,
): Promise<{ readonly low: number; readonly high: number; readonly box: Box }> {
  const label = (await chart.getAttribute("aria-label")) ?? "";
  const [, low, high] = /Prices from (\d+\.\d+) to (\d+\.\d+)/.exec(label) ?? [];
  const box = await chart.boundingBox();
  if (!box || low === undefined) throw new Error(`the chart is not visible: ${label}`);
  return { low: Number(low), high: Number(high), box };
}

export type Place = { readonly x: number; readonly y: number };

export async function drag({ mouse }: Page, from: Place, to: Place): Promise<void> {
  await mouse.move(from.x, from.y);
  await mouse.down();
  await mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 3 });
  await mouse.move(to.x, to.y, { steps: 3 });
  await mouse.up();
}

export async function newest(dashboard: DashboardPage): Promise<Frame> {
  await dashboard.settledClock();
  const frame = (await dashboard.visibleFrames()).at(-1);
  if (!frame) throw new Error("the page shows no frame");
  return frame;
}
