import { type ReactNode, useEffect, useState } from "react";
import { Group, Panel, Separator } from "react-resizable-panels";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import styles from "./app.module.css";
import { Tabs } from "./design/controls";
import { persisted } from "./design/persisted";
import { FullPageState, useFullPageState } from "./states/full-page-states";
import { OrdersTab } from "./trading/orders-tab";
import { TradePanel } from "./trading/trade-panel";
import { Anomalies } from "./views/anomalies/anomalies";
import { Gaps } from "./views/gaps/gaps";
import { GaugesPanel } from "./views/gauges/gauges";
import { HeatmapPanel } from "./views/heatmap/heatmap-panel";
import { Inspector } from "./views/inspector/inspector";
import { LadderPanel } from "./views/ladder/ladder-panel";
import { PricePanel } from "./views/price-chart/price-chart";
import { Trades } from "./views/trades/trades";

type SideTab = "trades" | "orders" | "anomalies" | "gaps" | "inspector";
type NarrowTab = "depth" | "price" | "ladder" | "signals" | SideTab;

interface LayoutState {
  readonly side: SideTab;
  readonly narrow: NarrowTab;
  /** Panel sizes, by group of panels. */
  readonly sizes: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const kept = persisted<LayoutState>("tapedeck_layout", { side: "trades", narrow: "depth", sizes: {} });

/** The user's layout, kept in this browser. */
const layout = createStore<LayoutState>(() => kept.get());
layout.subscribe((state) => kept.set(state));

function keepSizes(group: string, sizes: Readonly<Record<string, number>>): void {
  layout.setState((state) => ({ sizes: { ...state.sizes, [group]: sizes } }));
}

/** The views: side by side on a wide screen, one at a time on a narrow one; or a full-page state in their place. */
export function ViewLayout() {
  const fullPage = useFullPageState();
  const narrow = useNarrow();
  if (fullPage) return <FullPageState state={fullPage} />;
  return narrow ? <NarrowLayout /> : <WideLayout />;
}

const narrowQuery = "(max-width: 720px)";

function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => matchMedia(narrowQuery).matches);
  useEffect(() => {
    const query = matchMedia(narrowQuery);
    const changed = () => setNarrow(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return narrow;
}

function WideLayout() {
  return (
    <Split id="columns" orientation="horizontal" parts={{ charts: 58, ladder: 18, side: 24 }}>
      {{
        charts: (
          <Split id="charts" orientation="vertical" parts={{ price: 36, depth: 64 }}>
            {{ price: <PricePanel />, depth: <HeatmapPanel /> }}
          </Split>
        ),
        ladder: (
          <div className={styles.column}>
            <div className={styles.grow}>
              <LadderPanel />
            </div>
            <TradePanel />
          </div>
        ),
        side: (
          <Split id="side" orientation="vertical" parts={{ signals: 44, lists: 56 }}>
            {{ signals: <GaugesPanel />, lists: <SideLists /> }}
          </Split>
        ),
      }}
    </Split>
  );
}

interface SplitProps<Name extends string> {
  readonly id: string;
  readonly orientation: "horizontal" | "vertical";
  /** Default sizes in percent. */
  readonly parts: Readonly<Record<Name, number>>;
  readonly children: Readonly<Record<Name, ReactNode>>;
}

/** Panels with separators between them. Their sizes are kept in this browser. */
function Split<Name extends string>({ id, orientation, parts, children }: SplitProps<Name>) {
  const kept = layout.getState().sizes[id];
  const names = Object.keys(parts).filter((name): name is Name => name in children);
  return (
    <Group
      id={id}
      orientation={orientation}
      defaultLayout={kept ?? parts}
      onLayoutChanged={(sizes, { isUserInteraction }) => isUserInteraction && keepSizes(id, sizes)}
    >
      {names.flatMap((name, nth) => [
        ...(nth > 0
          ? [
              <Separator
                key={`before ${name}`}
                className={styles.separator}
                data-direction={orientation}
                aria-label={`Resize ${name}`}
              />,
            ]
          : []),
        <Panel key={name} id={name} minSize="12%">
          {children[name]}
        </Panel>,
      ])}
    </Group>
  );
}

const sideTabs: readonly { readonly value: SideTab; readonly text: string }[] = [
  { value: "trades", text: "Trades" },
  { value: "orders", text: "Orders" },
  { value: "anomalies", text: "Anomalies" },
  { value: "gaps", text: "Gaps" },
  { value: "inspector", text: "Inspector" },
];

function SideLists() {
  const side = useStore(layout, (state) => state.side);
  return (
    <div className={styles.side}>
      <Tabs
        className={styles.tabs}
        label="Lists"
        tabs={sideTabs}
        value={side}
        controls="side-list"
        onChoose={(value) => layout.setState({ side: value })}
      />
      <div id="side-list" className={styles.tabPanel} role="tabpanel" aria-labelledby={`side-list-${side}`}>
        <SideList tab={side} />
      </div>
    </div>
  );
}

function SideList({ tab }: { readonly tab: SideTab }) {
  if (tab === "trades") return <Trades />;
  if (tab === "orders") return <OrdersTab />;
  if (tab === "anomalies") return <Anomalies />;
  if (tab === "gaps") return <Gaps />;
  return <Inspector />;
}

const narrowTabs: readonly { readonly value: NarrowTab; readonly text: string }[] = [
  { value: "depth", text: "Depth" },
  { value: "price", text: "Price" },
  { value: "ladder", text: "Ladder" },
  { value: "signals", text: "Signals" },
  { value: "trades", text: "Trades" },
  { value: "orders", text: "Orders" },
  { value: "anomalies", text: "Alerts" },
  { value: "gaps", text: "Gaps" },
  { value: "inspector", text: "Frame" },
];

function NarrowLayout() {
  const tab = useStore(layout, (state) => state.narrow);
  return (
    <div className={styles.narrow}>
      <Tabs
        className={styles.narrowTabs}
        label="Views"
        tabs={narrowTabs}
        value={tab}
        controls="narrow-view"
        onChoose={(value) => layout.setState({ narrow: value })}
      />
      <div id="narrow-view" className={styles.grow} role="tabpanel" aria-labelledby={`narrow-view-${tab}`}>
        <NarrowView tab={tab} />
      </div>
    </div>
  );
}

function NarrowView({ tab }: { readonly tab: NarrowTab }) {
  switch (tab) {
    case "depth":
      return <HeatmapPanel />;
    case "price":
      return <PricePanel />;
    case "ladder":
      return (
        <div className={styles.column}>
          <div className={styles.grow}>
            <LadderPanel />
          </div>
          <TradePanel />
        </div>
      );
    case "signals":
      return <GaugesPanel />;
    default:
      return (
        <div className={styles.side}>
          <div className={styles.tabPanel}>
            <SideList tab={tab} />
          </div>
        </div>
      );
  }
}
