import { Button } from "../design/controls";
import { clockText, dateText } from "../design/format";
import { Icon } from "../design/icon";
import { Popover } from "../design/popover";
import { themeColour } from "../design/theme";
import type { PlaybackController } from "../playback/playback-controller";
import { usePlayback } from "../playback-context";
import { framesCsv, tradesCsv, visibleFrames } from "./export-frames";
import styles from "./export-menu.module.css";
import { exportableCharts } from "./exportable-charts";
import { saveFile, saveOrders as saveOrdersFile } from "./save-file";

/** Exports the frames in the heatmap's window, the orders, or the charts as a picture. */
export function ExportMenu() {
  const playback = usePlayback();
  return (
    <Popover iconOnly label="Export" align="right" button={<Icon name="download" />}>
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
            {item("Frames, CSV", "features and book, one line per frame", () => saveFrames(playback, "csv"))}
            {item("Trades, CSV", "time and sales", () => saveFrames(playback, "trades"))}
            {item("Frames, JSON", "as recorded", () => saveFrames(playback, "json"))}
            {item("Orders, CSV", "all orders of this session", () => saveOrders(playback))}
            {item("Charts, PNG", "price and depth", () => savePicture(playback))}
          </div>
        );
      }}
    </Popover>
  );
}

function saveFrames(playback: PlaybackController, format: "csv" | "trades" | "json"): void {
  const frames = visibleFrames(playback.log, playback.viewport.window);
  if (frames.length === 0) {
    playback.notify("problem", "No frames are visible to export.");
    return;
  }
  const text =
    format === "csv"
      ? framesCsv(frames)
      : format === "trades"
        ? tradesCsv(frames)
        : JSON.stringify(frames, undefined, 1);
  const type = format === "json" ? "application/json" : "text/csv";
  const name = format === "trades" ? "trades" : "frames";
  saveFile(new Blob([text], { type }), `${nameOf(playback)}-${name}.${format === "json" ? "json" : "csv"}`);
}

async function saveOrders(playback: PlaybackController): Promise<void> {
  const id = playback.session?.id;
  if (id === undefined) return playback.notify("problem", "No session is open.");
  try {
    await saveOrdersFile(playback.address, id);
  } catch (error) {
    playback.notify("problem", error instanceof Error ? error.message : String(error));
  }
}

/** The charts below each other, with a title. */
async function savePicture(playback: PlaybackController): Promise<void> {
  const canvases = [...exportableCharts().values()].map((view) => view.toCanvas());
  const width = Math.max(0, ...canvases.map((canvas) => canvas.width));
  if (width === 0) return playback.notify("problem", "No charts are visible to export.");
  const ratio = devicePixelRatio || 1;
  const head = Math.round(34 * ratio);
  const image = document.createElement("canvas");
  image.width = width;
  image.height = canvases.reduce((sum, canvas) => sum + canvas.height + 8, head);
  const pen = image.getContext("2d");
  if (!pen) return;
  pen.fillStyle = themeColour("--surface");
  pen.fillRect(0, 0, image.width, image.height);
  pen.fillStyle = themeColour("--ink");
  pen.font = `600 ${14 * ratio}px "Inter Tabular", system-ui, sans-serif`;
  pen.textBaseline = "middle";
  pen.fillText(titleOf(playback), 10 * ratio, head / 2);
  let y = head;
  for (const canvas of canvases) {
    pen.drawImage(canvas, 0, y);
    y += canvas.height + 8;
  }
  const blob = await new Promise<Blob | null>((resolve) => image.toBlob(resolve, "image/png"));
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
