import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.json.JSONArray;
import org.json.JSONObject;

/** The local book that Binance's documentation describes; the connector has the streams and keeps none itself. */
final class LocalBook {
  private static final int LEVELS = 20;

  private final Supplier<JSONObject> snapshot;
  private final TreeMap<BigDecimal, BigDecimal> bids = new TreeMap<>(Comparator.reverseOrder());
  private final TreeMap<BigDecimal, BigDecimal> asks = new TreeMap<>();
  private long lastId;
  /** Updates that wait for a snapshot; null while the book is in sync. */
  private List<JSONObject> waiting;

  LocalBook(Supplier<JSONObject> snapshot) {
    this.snapshot = snapshot;
  }

  synchronized void hear(JSONObject update) {
    if (waiting != null) {
      waiting.add(update);
    } else if (update.getLong("u") <= lastId) {
      return; // another connection has told it
    } else if (lastId != 0 && update.getLong("U") <= lastId + 1) {
      apply(update.getJSONArray("b"), update.getJSONArray("a"), update.getLong("u"));
    } else {
      waiting = new ArrayList<>(List.of(update));
      long first = update.getLong("U");
      Thread synchronizing = new Thread(() -> synchronize(first));
      synchronizing.setDaemon(true);
      synchronizing.start();
    }
  }

  /** The best levels, once there is a book. */
  synchronized JSONObject best() {
    return new JSONObject().put("bids", best(bids)).put("asks", best(asks));
  }

  private JSONArray best(TreeMap<BigDecimal, BigDecimal> side) {
    JSONArray found = new JSONArray();
    if (waiting != null) return found;
    side.entrySet().stream()
        .limit(LEVELS)
        .forEach(level -> found.put(new JSONArray().put(level.getKey().toPlainString()).put(level.getValue().toPlainString())));
    return found;
  }

  /** Begins with a snapshot that is not older than the first update, and applies those that are later than it. */
  private void synchronize(long first) {
    try {
      while (!begin(first)) Thread.sleep(200);
    } catch (InterruptedException end) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean begin(long first) {
    JSONObject book;
    try {
      book = snapshot.get();
    } catch (RuntimeException error) {
      return false; // it is asked again
    }
    if (book.getLong("lastUpdateId") < first - 1) return false;
    synchronized (this) {
      List<JSONObject> later = waiting;
      waiting = null;
      bids.clear();
      asks.clear();
      apply(book.getJSONArray("bids"), book.getJSONArray("asks"), book.getLong("lastUpdateId"));
      for (JSONObject update : later) if (update.getLong("u") > lastId) hear(update);
    }
    return true;
  }

  private void apply(JSONArray changedBids, JSONArray changedAsks, long id) {
    apply(bids, changedBids);
    apply(asks, changedAsks);
    lastId = id;
  }

  private static void apply(TreeMap<BigDecimal, BigDecimal> side, JSONArray changed) {
    for (Object each : changed) {
      JSONArray level = (JSONArray) each;
      BigDecimal size = level.getBigDecimal(1);
      if (size.signum() == 0) side.remove(level.getBigDecimal(0));
      else side.put(level.getBigDecimal(0), size);
    }
  }
}
