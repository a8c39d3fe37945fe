import { useView } from "../use-view";
import { TradeList } from "./trade-list";
import styles from "./trades-panel.module.css";

export function Trades() {
  const { host } = useView((element, playback) => new TradeList(element, playback));
  return <div ref={host} className={styles.host} />;
}
