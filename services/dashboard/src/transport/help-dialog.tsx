import { Key } from "../design/controls";
import { Dialog } from "../design/dialog";
import styles from "./help-dialog.module.css";
import { shortcuts } from "./keyboard-shortcuts";

export function Help({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" open={open} onClose={onClose}>
      <div className={styles.groups}>
        {shortcuts.map(({ group, list }) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {list.map(({ keys, does }) => (
                <div key={does}>
                  <dt>
                    {keys.map((key) => (
                      <Key key={key}>{key}</Key>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>Pointer</h3>
          <dl>
            <div>
              <dt>Scrubber</dt>
              <dd>Drag to seek; shift-drag to select a range</dd>
            </div>
            <div>
              <dt>Ladder</dt>
              <dd>
                Wheel or drag: scroll to deeper levels. Click: its price into the order ticket. Ctrl-click (⌘), or any
                click in click trading: order at that price, left of the prices to buy, right of them to sell. Drag an
                order: another price; Escape leaves it
              </dd>
            </div>
            <div>
              <dt>Depth</dt>
              <dd>
                Wheel: zoom time. Shift-wheel, or on the price axis: zoom prices. Drag sideways: look back; up or down:
                scroll prices. Click: pin a moment. Double-click: follow playhead and price. Drag the label of an order:
                another price
              </dd>
            </div>
          </dl>
        </section>
      </div>
      <p className={styles.thanks}>
        Price chart: <a href="https://www.tradingview.com/">TradingView Lightweight Charts™</a>, © TradingView, Inc.
        Signals: uPlot. Type: Inter. The API is described at <a href="/docs">/docs</a>.
      </p>
    </Dialog>
  );
}
