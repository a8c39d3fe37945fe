import com.binance.connector.client.SpotClient;
import com.binance.connector.client.impl.WebSocketStreamClientImpl;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.json.JSONArray;
import org.json.JSONObject;

/** The user stream and the depth stream, and what they have told. */
final class Streams {
  /** By order and trade. */
  final Map<String, JSONObject> told = new ConcurrentHashMap<>();
  final AtomicInteger updates = new AtomicInteger();
  /** The first time they are connected is none. */
  final AtomicInteger reconnects = new AtomicInteger(-1);
  final LocalBook book;
  private final SpotClient client;
  private final String address;
  private final String symbol;
  private WebSocketStreamClientImpl connections;
  private final List<Integer> open = new ArrayList<>();
  private final AtomicLong lastId = new AtomicLong();
  /** Whether nothing may be missing in between. */
  private boolean isOne = true;
  private final AtomicReference<String> problem = new AtomicReference<>();

  Streams(SpotClient client, String address, String symbol) {
    this.client = client;
    this.address = address;
    this.symbol = symbol;
    book = new LocalBook(() -> new JSONObject(client.createMarket().depth(Client.parameters("symbol", symbol, "limit", 5000))));
  }

  /** Connects both. Resolves when the user stream is open. */
  void follow() throws InterruptedException {
    AtomicInteger begun = new AtomicInteger();
    connections = new WebSocketStreamClientImpl(address.replaceFirst("http", "ws"));
    String listenKey = new JSONObject(client.createUserData().createListenKey()).getString("listenKey");
    open.add(
        connections.listenUserStream(
            listenKey, response -> begun.incrementAndGet(), this::hearAccount, this::closed, this::closed, this::failed));
    open.add(
        connections.diffDepthStream(
            symbol.toLowerCase(), 100, response -> {}, this::hearUpdate, this::closed, this::closed, this::failed));
    until(() -> begun.get() > 0, "user stream");
  }

  /** The same, and once more whenever one of them has ended: they do not come back by themselves. */
  void followAgainAndAgain() {
    isOne = false;
    problem.set("not begun");
    Thread again =
        new Thread(
            () -> {
              while (true) {
                try {
                  Thread.sleep(300);
                  if (problem.get() == null) continue;
                  // Not all at once, which ends the threads that new connections need.
                  for (int each : open) connections.closeConnection(each);
                  open.clear();
                  Thread.sleep(500); // both say that they are closed
                  problem.set(null);
                  follow();
                  reconnects.incrementAndGet();
                } catch (Exception error) {
                  problem.set("" + error);
                }
              }
            });
    again.setDaemon(true);
    again.start();
  }

  JSONArray sortedTrades() {
    JSONArray trades = new JSONArray();
    told.values().stream().sorted((a, b) -> Long.compare(a.getLong("id"), b.getLong("id"))).forEach(trades::put);
    return trades;
  }

  void until(BooleanSupplier isSo, String what) throws InterruptedException {
    long deadline = System.currentTimeMillis() + 30_000;
    while (!isSo.getAsBoolean()) {
      if (problem.get() != null) throw new IllegalStateException(problem.get());
      if (System.currentTimeMillis() > deadline) throw new IllegalStateException("no " + what + " in time");
      Thread.sleep(20);
    }
    if (problem.get() != null) throw new IllegalStateException(problem.get());
  }

  private void hearAccount(String text) {
    JSONObject event = new JSONObject(text);
    if (!event.getString("e").equals("executionReport") || !event.getString("x").equals("TRADE")) return;
    String id = "" + event.getLong("t"), order = "" + event.getLong("i");
    told.put(
        order + "/" + id,
        new JSONObject()
            .put("id", id)
            .put("order", order)
            .put("side", event.getString("S").toLowerCase())
            .put("price", event.getString("L"))
            .put("amount", event.getString("l"))
            .put("fee", event.getString("n")));
  }

  private void hearUpdate(String text) {
    JSONObject update = new JSONObject(text);
    long before = lastId.getAndSet(update.getLong("u"));
    if (updates.getAndIncrement() > 0 && update.getLong("U") != before + 1 && isOne)
      problem.set("an update begins with " + update.getLong("U") + " after " + before);
    book.hear(update);
  }

  private void closed(int code, String reason) {
    problem.set("a stream closed with " + code + " " + reason);
  }

  private void failed(Throwable error, okhttp3.Response response) {
    problem.set("a stream failed: " + error);
  }
}
