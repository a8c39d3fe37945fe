import { type ReactNode, useState } from "react";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { Button, IconButton, Segmented } from "../design/controls";
import { Dialog } from "../design/dialog";
import { Panel } from "../design/panel";
import { persisted } from "../design/persisted";
import { usePageState } from "../playback-context";
import { ImpactOrders } from "./impact/impact-orders";
import { ImpactReport } from "./impact/trade-report";
import { TradingReport } from "./report/trading-report";
import { SettingsButton } from "./settings/trading-settings";
import { ClickTradingButton } from "./ticket/click-trading";
import { OrderTicket } from "./ticket/order-ticket";
import styles from "./trade-panel.module.css";

interface TradeView {
  /** Undefined until the user has chosen: then it is open in SIMULATION. */
  readonly open?: boolean;
  /** In SIMULATION: orders given to the market itself (the command `order`), or orders at the session's venue. */
  readonly impact: boolean;
}

const kept = persisted<TradeView>("tapedeck_trade", { impact: true });
const tradeView = createStore<TradeView>(() => kept.get());
tradeView.subscribe((state) => kept.set(state));

const effects = [
  { value: "impact", text: "Quick", title: "Market orders given to the simulated market itself" },
  {
    value: "none",
    text: "All orders",
    title:
      "Market, limit and stop orders at the session's venue, with an account of their own. The market reacts to what they take",
  },
] as const;

/** Whether orders are given to the market itself, which only a simulated one takes. */
function useImpact(): boolean {
  const simulated = usePageState(({ session }) => session?.mode === "SIMULATION");
  const impact = useStore(tradeView, (state) => state.impact);
  return simulated && impact;
}

/** The order ticket below the ladder; its title remains when it is closed. */
export function TradePanel() {
  const simulated = usePageState(({ session }) => session?.mode === "SIMULATION");
  const playing = usePageState(({ session }) => session?.state === "PLAYING");
  const open = useStore(tradeView, (state) => state.open) ?? simulated;
  const impact = useImpact();
  return (
    <div className={open && impact ? styles.impact : styles.panel}>
      <Panel
        title="Trade"
        note={open && impact && !playing && <span className={styles.hint}>play to trade</span>}
        aside={
          <>
            {open && !impact && <ClickTradingButton />}
            {open && <ReportButton />}
            <IconButton
              icon={open ? "chevron" : "plus"}
              size={14}
              label={open ? "Close the order ticket" : "Open the order ticket"}
              aria-expanded={open}
              onClick={() => tradeView.setState({ open: !open })}
            />
          </>
        }
      >
        {open && (
          <div className={styles.body}>
            {simulated && <EffectSwitch impact={impact} />}
            {impact ? <ImpactOrders /> : <OrderTicket />}
            {!impact && <SettingsButton />}
          </div>
        )}
      </Panel>
    </div>
  );
}

function EffectSwitch({ impact }: { readonly impact: boolean }) {
  return (
    <Segmented
      className={styles.effect}
      label="Effect of orders on the simulated market"
      options={effects}
      value={impact ? "impact" : "none"}
      onChoose={(value) => tradeView.setState({ impact: value === "impact" })}
    />
  );
}

/** Opens the report of the orders that the panel places. */
export function ReportButton({ children = "Report" }: { readonly children?: ReactNode }) {
  const [open, setOpen] = useState(false);
  const impact = useImpact();
  return (
    <>
      <Button onClick={() => setOpen(true)}>{children}</Button>
      <Dialog title="Trade report" open={open} onClose={() => setOpen(false)}>
        {impact ? <ImpactReport /> : <TradingReport />}
      </Dialog>
    </>
  );
}
