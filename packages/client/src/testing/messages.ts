import type { Frame, ServerMessage, SessionFill, SessionOrder, SessionView } from "@tapedeck/protocol";

/** Server messages for tests. */
export function frame(seq: number, changes: Partial<Frame> = {}): Frame {
  const side = Array.from({ length: 10 }, (_, at): [number, number] => [100 + at, 1]);
  return {
    type: "snapshot",
    seq,
    timestamp: "2024-07-18T00:00:00.000Z",
    symbol: "BTCUSDT",
    bids: side,
    asks: side,
    mid_price: 100,
    microprice: 100,
    best_bid: 100,
    best_ask: 101,
    spread: 1,
    q_bid: 1,
    q_ask: 1,
    updates: 0,
    trades: [],
    trade_classified: false,
    anomalies: [],
    ...changes,
  };
}

export function historyOf(epoch: number, seqs: readonly number[], complete = true): ServerMessage {
  return { type: "history", data: seqs.map((seq) => frame(seq)), session_id: "a", epoch, complete };
}

export function stateOf(epoch: number, changes: Partial<SessionView> = {}): ServerMessage {
  return { type: "state", cause: "command", session: viewOf({ epoch, ...changes }) };
}

export function viewOf(changes: Partial<SessionView> = {}): SessionView {
  const at = "2024-07-18T00:00:00.000Z";
  return {
    session_id: "a",
    user_id: null,
    mode: "REPLAY",
    active_symbol: null,
    active_source: null,
    tape: "usdm@1",
    controller_state: {
      state: "PLAYING",
      speed: 1,
      cursor_ts: at,
      cursor_seq: 0,
      from_ts: null,
      to_ts: null,
      loop: false,
      max_fps: 30,
    },
    state: "PLAYING",
    reason: null,
    speed: 1,
    cursor_ts: at,
    epoch: 1,
    rev: 1,
    parked: false,
    behind_ms: null,
    buffer_size: 0,
    connections: 1,
    created_at: at,
    last_activity: at,
    expires_at: at,
    ...changes,
  };
}

export function orderOf(order_id: string): SessionOrder {
  const at = "2024-07-18T00:00:00.000000000Z";
  return {
    ...{ order_id, client_order_id: null, side: "buy", type: "MARKET", amount: "1", filled: "1", open: "0" },
    ...{ price: null, stop_price: null, time_in_force: null, status: "FILLED", reason: null },
    ...{ created_at: at, updated_at: at, average_price: "100" },
  };
}

export function fillOf(fill_id: string): SessionFill {
  return {
    ...{ fill_id, order_id: "1", client_order_id: null, side: "buy", price: "100", amount: "1", fee: "0" },
    ...{ liquidity: "taker", position: "1", realized_pnl: null, timestamp: "2024-07-18T00:00:00.000000000Z" },
  };
}
