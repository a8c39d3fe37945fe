import { useStore } from "zustand";
import { scrollable } from "../design/controls";
import { usePlayback } from "../playback-context";
import { AccountSummary } from "./account/account-summary";
import { EquityChart } from "./account/equity-chart";
import { EndedOrders } from "./orders/ended-orders";
import { FillList } from "./orders/fill-list";
import { WorkingOrders } from "./orders/working-orders";
import styles from "./orders-tab.module.css";
import { ReportButton } from "./trade-panel";
import { UndoButton } from "./undo-button";

/** The session's orders, fills and account at the playhead. */
export function OrdersTab() {
  const { trading } = usePlayback();
  const problem = useStore(trading.store, (state) => state.problem);
  return (
    <section className={styles.body} {...scrollable} aria-label="Orders of this session">
      {problem !== undefined && <p className={styles.problem}>{problem}</p>}
      <AccountSummary />
      <WorkingOrders />
      <EquityChart />
      <FillList />
      <EndedOrders />
      <footer className={styles.foot}>
        <p>A rewind undoes the orders and fills after the place that it leads to. The report keeps them as a branch.</p>
        <div>
          <UndoButton />
          <ReportButton>Report and branches</ReportButton>
        </div>
      </footer>
    </section>
  );
}
