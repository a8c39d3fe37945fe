import type { RaiseAlert } from "../alert-throttle.js";
import { roundedOrZero } from "../rounding.js";
import type { Detector, DetectorInput } from "./detector.js";

/** A crisis is a movement of this many times the typical one. */
const crisis = 14;

/** REGIME_STRESS when the market becomes stressed; REGIME_CRISIS when the price moves 14 times the typical move, once until it is over. */
export class RegimeChange implements Detector {
  #stressed = false;
  #inCrisis = false;

  copy(): RegimeChange {
    const copy = new RegimeChange();
    copy.#stressed = this.#stressed;
    copy.#inCrisis = this.#inCrisis;
    return copy;
  }

  detect({ regime }: DetectorInput, raise: RaiseAlert): void {
    const { stressed } = regime;
    const inCrisis = stressed && (this.#inCrisis || regime.moved >= crisis);
    const fields = { stress: roundedOrZero(regime.stress, 2) };
    if (inCrisis && !this.#inCrisis) {
      raise({ type: "REGIME_CRISIS", severity: "high", message: "The market moves far more than usual", fields });
    } else if (stressed && !this.#stressed) {
      raise({ type: "REGIME_STRESS", severity: "low", message: "The market moves or widens more than usual", fields });
    }
    this.#stressed = stressed;
    this.#inCrisis = inCrisis;
  }
}
