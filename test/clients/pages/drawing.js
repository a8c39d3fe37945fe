// How the old pages draw a message, and so where they crash: they check only nullable fields for null.

/** Draws one frame into the page. Throws if the frame lacks something that it must have. */
export function draw(frame) {
  ladder(frame);
  heatmap(frame);
  write("clock", new Date(frame.timestamp).toLocaleTimeString());
  write("mid", frame.mid_price.toFixed(2));
  write("microprice", frame.microprice.toFixed(2));
  write("spread", frame.spread === null ? "one-sided" : frame.spread.toFixed(2));
  write("divergence", frame.divergence.toFixed(4));
  write("quantities", `${frame.q_bid} / ${frame.q_ask}`); // printed raw
  write("obi", frame.obi.toFixed(3));
  write("ofi", frame.ofi.toFixed(3));
  write("probability", `${frame.directional_prob.toFixed(1)} % up`);
  write("vpin", frame.vpin.toFixed(3));
  write("regime", ["calm", "stressed", "hot", "manipulated"][frame.regime].toUpperCase());
  write("regime-label", frame.regime_label.toUpperCase());
  write("gaps", `${frame.gap_count} ${frame.gap_severity_score.toFixed(1)}`);
  write("spoofing", `${frame.spoofing_risk.toFixed(0)} ${frame.volume_volatility.toFixed(2)}`);
  write("updates", frame.updates.toString());
  frame.liquidity_gaps.forEach((gap) => {
    write(
      "gap",
      `${gap.side.toUpperCase()} ${gap.level} ${gap.price.toFixed(2)} ${gap.volume.toFixed(4)} ${gap.risk_score}`,
    );
  });
  frame.trades.forEach(tape);
  if (frame.trade_classified) {
    const spread = frame.effective_spread === null ? "-" : frame.effective_spread.toFixed(4);
    write(
      "last",
      `${frame.trade_side.toUpperCase()} ${frame.last_trade_price.toFixed(2)} ${frame.trade_volume.toFixed(4)} ${spread}`,
    );
  }
  frame.anomalies.forEach(alarm);
}

/** Ten levels of a side, with the size of each as a share of the largest. */
function ladder({ bids, asks }) {
  const largest = Math.max(...bids.slice(0, 10).map(([, size]) => size), ...asks.slice(0, 10).map(([, size]) => size));
  const rows = [];
  for (let level = 9; level >= 0; level--) rows.push(row(asks[level], largest));
  for (let level = 0; level < 10; level++) rows.push(row(bids[level], largest));
  write("ladder", rows.join("\n"));
}

function row([price, size], largest) {
  return `${price.toFixed(2)} ${"#".repeat(Math.round((10 * size) / (largest || 1)))}`;
}

/** One column of twenty cells, coloured by size. */
function heatmap({ bids, asks }) {
  const canvas = document.getElementById("heatmap");
  const context = canvas.getContext("2d");
  context.drawImage(canvas, -1, 0);
  for (let level = 0; level < 10; level++) {
    cell(context, 9 - level, asks[level]);
    cell(context, 10 + level, bids[level]);
  }
}

function cell(context, y, [price, size]) {
  if (!Number.isFinite(price) || !Number.isFinite(size)) throw new Error(`not a level: ${price} ${size}`);
  context.fillStyle = `hsl(${Math.max(0, 240 - Math.log1p(size) * 40)} 80% 50%)`;
  context.fillRect(context.canvas.width - 1, y, 1, 1);
}

function tape({ timestamp, price, size, side }) {
  write("tape", `${new Date(timestamp).toISOString()} ${side.toUpperCase()} ${price.toFixed(2)} ${size.toFixed(4)}`);
}

function alarm(anomaly) {
  const { type, severity, message } = anomaly;
  write("alarm", `${severity.toUpperCase()} ${type.replace(/_/g, " ")} ${message.slice(0, 80)}`);
  if (type === "LIQUIDITY_GAP") {
    write(
      "alarm-more",
      `${anomaly.gap_count} at ${anomaly.affected_levels.join(", ")}: ${anomaly.total_gap_volume.toFixed(2)}`,
    );
  } else if (type === "SPOOFING") {
    write(
      "alarm-more",
      `${anomaly.side === "BID" ? "bids" : "asks"} ${anomaly.volume_ratio.toFixed(1)} ${anomaly.price_level.toFixed(2)}`,
    );
  } else if (type === "MOMENTUM_IGNITION") {
    write("alarm-more", anomaly.direction === "UP" ? "up" : "down");
  }
}

function write(name, text) {
  if (/NaN|undefined|Infinity/.test(text)) throw new Error(`${name} shows ${text}`);
  document.getElementById(name).textContent = text;
}
