import type { Deck } from "../deck/deck";
import { useDeck } from "../deck-context";
import { Button } from "../design/controls";
import { clockText, dateText } from "../design/format";
import { Icon } from "../design/icon";
import { Popover } from "../design/popover";
import { ink } from "../design/theme";
import { loadOrders } from "../report/load-report";
import { framesCsv, framesInSight, tradesCsv } from "./export-frames";
import styles from "./export-menu.module.css";
import { picturedViews } from "./pictures";
import { save } from "./save";

/** Takes away what is seen: the frames in the heatmap's window, or the charts as a picture. */
export function ExportMenu() {
  const deck = useDeck();
  return (
    <Popover wordless label="Export what is seen" align="right" button={<Icon name="download" />}>
      {(close) => {
        const item = (text: string, hint: string, save: () => void | Promise<void>) => (
          <Button
            className={styles.item}
            onClick={() => {
              void save();
              close();
            }}
          >
            <strong>{text}</strong>
            <span>{hint}</span>
          </Button>
        );
        return (
          <div className={styles.menu}>
            {item("Frames, CSV", "features and book, a line each", () => saveFrames(deck, "csv"))}
            {item("Trades, CSV", "time and sales", () => saveFrames(deck, "trades"))}
            {item("Frames, JSON", "as they came", () => saveFrames(deck, "json"))}
            {item("Orders, CSV", "those given in this session", () => saveOrders(deck))}
            {item("Charts, PNG", "price and depth", () => savePicture(deck))}
          </div>
        );
      }}
    </Popover>
  );
}

function saveFrames(deck: Deck, form: "csv" | "trades" | "json"): void {
  const frames = framesInSight(deck.log, deck.viewport.window);
  if (frames.length === 0) {
    deck.tell("problem", "There is no frame in sight to export.");
    return;
  }
  const text =
    form === "csv" ? framesCsv(frames) : form === "trades" ? tradesCsv(frames) : JSON.stringify(frames, undefined, 1);
  const type = form === "json" ? "application/json" : "text/csv";
  const name = form === "trades" ? "trades" : "frames";
  save(new Blob([text], { type }), `${nameOf(deck)}-${name}.${form === "json" ? "json" : "csv"}`);
}

async function saveOrders(deck: Deck): Promise<void> {
  const id = deck.session?.id;
  if (id === undefined) return deck.tell("problem", "There is no session with orders to export.");
  try {
    save(await loadOrders(deck.address, id), `tapedeck-orders-${id}.csv`);
  } catch (error) {
    deck.tell("problem", error instanceof Error ? error.message : String(error));
  }
}

/** The charts one below the other, with what they are of. */
async function savePicture(deck: Deck): Promise<void> {
  const canvases = [...picturedViews().values()].map((view) => view.picture());
  const width = Math.max(0, ...canvases.map((canvas) => canvas.width));
  if (width === 0) return deck.tell("problem", "There is no chart in sight to export.");
  const ratio = devicePixelRatio || 1;
  const head = Math.round(34 * ratio);
  const whole = document.createElement("canvas");
  whole.width = width;
  whole.height = canvases.reduce((sum, canvas) => sum + canvas.height + 8, head);
  const pen = whole.getContext("2d");
  if (!pen) return;
  pen.fillStyle = ink("--surface");
  pen.fillRect(0, 0, whole.width, whole.height);
  pen.fillStyle = ink("--ink");
  pen.font = `600 ${14 * ratio}px "Inter Tabular", system-ui, sans-serif`;
  pen.textBaseline = "middle";
  pen.fillText(titleOf(deck), 10 * ratio, head / 2);
  let y = head;
  for (const canvas of canvases) {
    pen.drawImage(canvas, 0, y);
    y += canvas.height + 8;
  }
  const blob = await new Promise<Blob | null>((resolve) => whole.toBlob(resolve, "image/png"));
  if (blob) save(blob, `${nameOf(deck)}.png`);
}

function titleOf({ log }: Deck): string {
  const last = log.last;
  return last ? `${last.frame.symbol}   ${dateText(last.ms)} ${clockText(last.ms)} UTC` : "Tapedeck";
}

function nameOf({ log }: Deck): string {
  const last = log.last;
  const time = last ? `${dateText(last.ms)}T${clockText(last.ms, 0).replaceAll(":", "")}` : "empty";
  return `tapedeck-${last?.frame.symbol ?? ""}-${time}`;
}
