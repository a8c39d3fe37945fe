import { useView } from "../use-view";
import { TradeList } from "./trade-list";
import styles from "./trades-panel.module.css";

export function Trades() {
  const { host } = useView((element, deck) => new TradeList(element, deck));
  return <div ref={host} className={styles.host} />;
}
