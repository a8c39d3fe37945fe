import { Button } from "../design/controls";
import { clockText, dateText } from "../design/format";
import { Icon } from "../design/icon";
import { Popover } from "../design/popover";
import { themeColour } from "../design/theme";
import type { PlaybackController } from "../playback/playback-controller";
import { usePlayback } from "../playback-context";
import { loadOrders } from "../trading/load-report";
import { framesCsv, tradesCsv, visibleFrames } from "./export-frames";
import styles from "./export-menu.module.css";
import { exportableCharts } from "./exportable-charts";
import { saveFile } from "./save-file";

/** Takes away what is seen: the frames in the heatmap's window, or the charts as a picture. */
export function ExportMenu() {
  const playback = usePlayback();
  return (
    <Popover iconOnly label="Export what is seen" align="right" button={<Icon name="download" />}>
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
            {item("Frames, CSV", "features and book, a line each", () => saveFrames(playback, "csv"))}
            {item("Trades, CSV", "time and sales", () => saveFrames(playback, "trades"))}
            {item("Frames, JSON", "as they came", () => saveFrames(playback, "json"))}
            {item("Orders, CSV", "those given in this session", () => saveOrders(playback))}
            {item("Charts, PNG", "price and depth", () => savePicture(playback))}
          </div>
        );
      }}
    </Popover>
  );
}

function saveFrames(playback: PlaybackController, form: "csv" | "trades" | "json"): void {
  const frames = visibleFrames(playback.log, playback.viewport.window);
  if (frames.length === 0) {
    playback.notify("problem", "There is no frame in sight to export.");
    return;
  }
  const text =
    form === "csv" ? framesCsv(frames) : form === "trades" ? tradesCsv(frames) : JSON.stringify(frames, undefined, 1);
  const type = form === "json" ? "application/json" : "text/csv";
  const name = form === "trades" ? "trades" : "frames";
  saveFile(new Blob([text], { type }), `${nameOf(playback)}-${name}.${form === "json" ? "json" : "csv"}`);
}

async function saveOrders(playback: PlaybackController): Promise<void> {
  const id = playback.session?.id;
  if (id === undefined) return playback.notify("problem", "There is no session with orders to export.");
  try {
    saveFile(await loadOrders(playback.address, id), `tapedeck-orders-${id}.csv`);
  } catch (error) {
    playback.notify("problem", error instanceof Error ? error.message : String(error));
  }
}

/** The charts one below the other, with what they are of. */
async function savePicture(playback: PlaybackController): Promise<void> {
  const canvases = [...exportableCharts().values()].map((view) => view.toCanvas());
  const width = Math.max(0, ...canvases.map((canvas) => canvas.width));
  if (width === 0) return playback.notify("problem", "There is no chart in sight to export.");
  const ratio = devicePixelRatio || 1;
  const head = Math.round(34 * ratio);
  const whole = document.createElement("canvas");
  whole.width = width;
  whole.height = canvases.reduce((sum, canvas) => sum + canvas.height + 8, head);
  const pen = whole.getContext("2d");
  if (!pen) return;
  pen.fillStyle = themeColour("--surface");
  pen.fillRect(0, 0, whole.width, whole.height);
  pen.fillStyle = themeColour("--ink");
  pen.font = `600 ${14 * ratio}px "Inter Tabular", system-ui, sans-serif`;
  pen.textBaseline = "middle";
  pen.fillText(titleOf(playback), 10 * ratio, head / 2);
  let y = head;
  for (const canvas of canvases) {
    pen.drawImage(canvas, 0, y);
    y += canvas.height + 8;
  }
  const blob = await new Promise<Blob | null>((resolve) => whole.toBlob(resolve, "image/png"));
  if (blob) saveFile(blob, `${nameOf(playback)}.png`);
}

function titleOf({ log }: PlaybackController): string {
  const last = log.last;
  return last ? `${last.frame.symbol}   ${dateText(last.ms)} ${clockText(last.ms)} UTC` : "Tapedeck";
}

function nameOf({ log }: PlaybackController): string {
  const last = log.last;
  const time = last ? `${dateText(last.ms)}T${clockText(last.ms, 0).replaceAll(":", "")}` : "empty";
  return `tapedeck-${last?.frame.symbol ?? ""}-${time}`;
}
