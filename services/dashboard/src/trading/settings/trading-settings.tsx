import type { TradingSettings } from "@tapedeck/protocol";
import { useState } from "react";
import { useStore } from "zustand";
import { Button, Field, Input, Segmented, Select } from "../../design/controls";
import { Dialog } from "../../design/dialog";
import { usePlayback } from "../../playback-context";
import { changeOf, draftOf, isPower, percentOf, type SettingsDraft } from "./settings-draft";
import styles from "./trading-settings.module.css";

const accounts = [
  { value: "spot", text: "Spot" },
  { value: "futures", text: "Futures" },
] as const;

const queues: readonly { readonly value: SettingsDraft["queue"]; readonly text: string }[] = [
  { value: "auto", text: "As exact as the tape allows" },
  { value: "orders", text: "Each order of the tape (exact)" },
  { value: "risk-averse", text: "Risk-averse: at the back" },
  { value: "log-probability", text: "Logarithmic probability" },
  { value: "log-probability-2", text: "Logarithmic probability 2" },
  { value: "power-probability", text: "Power probability" },
  { value: "power-probability-2", text: "Power probability 2" },
  { value: "power-probability-3", text: "Power probability 3" },
];

const fills: readonly { readonly value: SettingsDraft["fills"]; readonly text: string }[] = [
  { value: "partial", text: "In parts, as the market trades" },
  { value: "whole", text: "As a whole, as hftbacktest does" },
];

/** In one line what the session's orders meet, and a form to change it. */
export function SettingsButton() {
  const [open, setOpen] = useState(false);
  const settings = useStore(usePlayback().trading.store, (state) => state.settings);
  if (!settings) return null;
  return (
    <>
      <Button className={styles.summary} title="Account, fees, latency and queue" onClick={() => setOpen(true)}>
        <span className="unseen">Trading settings: </span>
        {summaryOf(settings)}
      </Button>
      <Dialog title="Trading settings" open={open} onClose={() => setOpen(false)}>
        <SettingsForm before={settings} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function summaryOf({ account, fees, latency: { entry, response } }: TradingSettings): string {
  const kind = account.kind === "spot" ? "Spot" : `Futures ${account.leverage}×`;
  const travel = (of: typeof entry) => (of.kind === "constant" ? `${of.ms}` : `~${of.median_ms}`);
  return `${kind} · fees ${percentOf(fees.maker)}/${percentOf(fees.taker)} % · latency ${travel(entry)}/${travel(response)} ms`;
}

interface FormProps {
  readonly before: TradingSettings;
  readonly onDone: () => void;
}

function SettingsForm({ before, onDone }: FormProps) {
  const { trading } = usePlayback();
  const hasOrders = useStore(trading.store, ({ orders }) => orders.length > 0);
  const queueAuto = useStore(trading.store, (state) => state.queueAuto);
  const [draft, setDraft] = useState(() => draftOf(before, queueAuto));
  const [problem, setProblem] = useState<string>();
  const change = (values: Partial<SettingsDraft>) => setDraft((known) => ({ ...known, ...values }));
  const text = (name: TextName, label: string) => (
    <Field text={label}>
      {(id) => (
        <Input
          id={id}
          inputMode="decimal"
          value={draft[name]}
          onChange={({ target }) => change({ [name]: target.value })}
        />
      )}
    </Field>
  );
  const save = async () => {
    const found = changeOf(draft, before, queueAuto);
    if ("problem" in found) return setProblem(found.problem);
    setProblem(undefined);
    const isChanged = Object.keys(found.change).length > 0;
    if (!isChanged || (await trading.configure(found.change))) onDone();
  };
  return (
    <form
      className={styles.form}
      aria-label="Trading settings"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {hasOrders && (
        <p>
          These settings belong to the session's orders. After a rewind to before the first one they can be changed.
        </p>
      )}
      <fieldset disabled={hasOrders}>
        <legend>Account at the first order</legend>
        <Segmented
          label="Kind of account"
          options={accounts}
          value={draft.kind}
          onChoose={(kind) => !hasOrders && change({ kind })}
        />
        <div className={styles.fields}>
          {draft.kind === "spot" ? (
            <>
              {text("base", "Base")}
              {text("quote", "Quote")}
            </>
          ) : (
            <>
              {text("wallet", "Wallet")}
              {text("leverage", "Leverage")}
              {text("maintenance", "Maintenance margin, %")}
            </>
          )}
        </div>
      </fieldset>
      <fieldset disabled={hasOrders} className={styles.fields}>
        <legend>Fees</legend>
        {text("maker", "Maker, %")}
        {text("taker", "Taker, %")}
      </fieldset>
      <fieldset disabled={hasOrders} className={styles.fields}>
        <legend>Latency</legend>
        {text("entry", "To the venue, ms")}
        {text("response", "Back, ms")}
        {text("sigma", "Spread (σ of its logarithm)")}
      </fieldset>
      <fieldset disabled={hasOrders} className={styles.fields}>
        <legend>Limit orders</legend>
        <Choice
          text="Place in the queue"
          options={queues}
          value={draft.queue}
          onChoose={(queue) => change({ queue })}
        />
        {isPower(draft.queue) && text("exponent", "Exponent")}
        <Choice text="Fills" options={fills} value={draft.fills} onChoose={(chosen) => change({ fills: chosen })} />
      </fieldset>
      {problem !== undefined && <p role="alert">{problem}</p>}
      <div className={styles.actions}>
        <Button onClick={onDone}>{hasOrders ? "Close" : "Cancel"}</Button>
        {!hasOrders && (
          <Button type="submit" variant="primary">
            Save
          </Button>
        )}
      </div>
    </form>
  );
}

type TextName = Exclude<keyof SettingsDraft, "kind" | "queue" | "fills">;

interface ChoiceProps<Value extends string> {
  readonly text: string;
  readonly options: readonly { readonly value: Value; readonly text: string }[];
  readonly value: Value;
  readonly onChoose: (value: Value) => void;
}

function Choice<Value extends string>({ text, options, value, onChoose }: ChoiceProps<Value>) {
  return (
    <Field text={text}>
      {(id) => (
        <Select
          id={id}
          value={value}
          onChange={({ target }) => {
            const chosen = options.find((option) => option.value === target.value);
            if (chosen) onChoose(chosen.value);
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.text}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
