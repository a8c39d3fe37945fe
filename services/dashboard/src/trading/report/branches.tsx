import type { SessionFill } from "@tapedeck/protocol";
import { useEffect, useState } from "react";
import { useStore } from "zustand";
import { Button } from "../../design/controls";
import { clockText, none, signed } from "../../design/format";
import { useFrameSample, usePlayback } from "../../playback-context";
import { holdingsOf, profitAt, startOf } from "../account/equity-curve";
import type { BranchContent } from "../orders/trading-api";
import styles from "./trading-report.module.css";

/** The branch whose fills are listed in place of the present ones. */
export interface ShownBranch {
  readonly id: string;
  readonly fills: readonly SessionFill[];
}

/** Branches that are read at once; older ones follow on request. */
const firstBranches = 5;

interface BranchesProps {
  readonly shown: ShownBranch | undefined;
  readonly onShow: (branch: ShownBranch | undefined) => void;
}

/** What rewinds left, with its orders, fills and profit beside those of the present. */
export function Branches({ shown, onShow }: BranchesProps) {
  const { trading } = usePlayback();
  const branches = useStore(trading.store, (state) => state.branches);
  const orders = useStore(trading.store, (state) => state.orders);
  const fills = useStore(trading.store, (state) => state.fills);
  const account = useStore(trading.store, (state) => state.account);
  const [all, setAll] = useState(false);
  if (branches.length === 0) return null;
  const listed = all ? branches : branches.slice(0, firstBranches);
  return (
    <section aria-label="Branches">
      <table className={styles.branches}>
        <thead>
          <tr>
            {["Branch", "Left (UTC)", "Orders", "Fills", "P&L", ""].map((name) => (
              <th key={name} scope="col">
                {name === "" ? <span className="unseen">Show its fills</span> : name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr aria-current={shown === undefined}>
            <td>Present</td>
            <td>{none}</td>
            <td>{orders.length}</td>
            <td>{fills.length}</td>
            <Profit content={{ orders, fills, account }} />
            <td>{shown !== undefined && <Button onClick={() => onShow(undefined)}>Show</Button>}</td>
          </tr>
          {listed.map(({ id, left_at }) => (
            <BranchRow key={id} id={id} leftAt={left_at} shown={shown} onShow={onShow} />
          ))}
        </tbody>
      </table>
      {listed.length < branches.length && <Button onClick={() => setAll(true)}>All {branches.length} branches</Button>}
    </section>
  );
}

function BranchRow({ id, leftAt, shown, onShow }: BranchesProps & { readonly id: string; readonly leftAt: string }) {
  const { trading } = usePlayback();
  const [content, setContent] = useState<BranchContent>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let mounted = true;
    trading.branch(id).then(
      (found) => mounted && setContent(found),
      (error) => mounted && setProblem(error instanceof Error ? error.message : String(error)),
    );
    return () => {
      mounted = false;
    };
  }, [trading, id]);
  const current = shown?.id === id;
  return (
    <tr aria-current={current} title={problem ?? ""}>
      <td>{id}</td>
      <td>{clockText(Date.parse(leftAt), 0)}</td>
      <td>{content?.orders.length ?? none}</td>
      <td>{content?.fills.length ?? none}</td>
      <Profit content={content} />
      <td>{content && !current && <Button onClick={() => onShow({ id, fills: content.fills })}>Show</Button>}</td>
    </tr>
  );
}

/** At the market's last trade when the branch was left, or at the playhead. */
function Profit({ content }: { readonly content: BranchContent | undefined }) {
  const { trading } = usePlayback();
  const settings = useStore(trading.store, (state) => state.settings);
  const mid = useFrameSample(({ newest }) => newest?.frame.mid_price);
  const account = content?.account;
  if (!settings || !account) return <td>{none}</td>;
  const price = Number(account.last_price ?? mid ?? 0);
  const profit = profitAt(holdingsOf(account), startOf(settings), price);
  return <td data-sign={Math.sign(profit)}>{signed(profit, 2)}</td>;
}
