import { useGlance } from "../../deck-context";
import { Panel } from "../../design/panel";
import { InspectionMark } from "../inspection-mark";
import { useView } from "../use-view";
import { Ladder } from "./ladder";

export function LadderPanel() {
  const { host } = useView((element, deck) => new Ladder(element, deck));
  const inspecting = useGlance((glance) => glance.inspecting);
  return <Panel title="Ladder" note={inspecting && <InspectionMark />} bodyRef={host} />;
}
