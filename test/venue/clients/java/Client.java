import com.binance.connector.client.SpotClient;
import com.binance.connector.client.impl.SpotClientImpl;
import com.binance.connector.client.impl.WebSocketStreamClientImpl;
import com.binance.connector.client.impl.spot.Trade;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.json.JSONArray;
import org.json.JSONObject;

/**
 * binance-connector-java, the exchange's own, at a session's venue: requests, the user stream and the depth stream of the spot market. Its argument
 * is a task, as task.mjs has it, and its last line a report, as JSON.
 */
public final class Client {
  private static final Set<Long> told = new ConcurrentSkipListSet<>();
  private static final AtomicInteger updates = new AtomicInteger();
  private static final AtomicLong lastId = new AtomicLong();
  private static final AtomicReference<String> problem = new AtomicReference<>();

  public static void main(String[] arguments) throws Exception {
    JSONObject task = new JSONObject(arguments[0]);
    String address = task.getString("spot");
    String symbol = task.getString("symbol");
    SpotClient client = new SpotClientImpl(task.getString("apiKey"), task.getString("secret"), address);
    WebSocketStreamClientImpl streams = new WebSocketStreamClientImpl(address.replaceFirst("http", "ws"));
    String listenKey = new JSONObject(client.createUserData().createListenKey()).getString("listenKey");
    AtomicInteger open = new AtomicInteger();
    streams.listenUserStream(
        listenKey, response -> open.incrementAndGet(), Client::hearAccount, Client::closed, Client::closed, Client::failed);
    streams.diffDepthStream(symbol.toLowerCase(), 100, Client::hearUpdate);
    until(() -> open.get() > 0, "user stream");

    JSONObject book = new JSONObject(client.createMarket().depth(parameters("symbol", symbol, "limit", 5)));
    Trade trading = client.createTrade();
    for (int number = 0; number < task.getInt("orders"); number++) {
      String side = number % 2 == 0 ? "BUY" : "SELL";
      Map<String, Object> order = parameters("symbol", symbol, "side", side, "quantity", task.getString("amount"));
      if (number % 3 != 2) {
        order.put("type", "MARKET");
        expectStatus("FILLED", trading.newOrder(order));
        continue;
      }
      order.put("type", "LIMIT");
      order.put("timeInForce", "GTC");
      order.put("price", away(book, side));
      long id = new JSONObject(trading.newOrder(order)).getLong("orderId");
      expectStatus("CANCELED", trading.cancelOrder(parameters("symbol", symbol, "orderId", id)));
    }
    JSONArray found = new JSONArray(trading.myTrades(parameters("symbol", symbol, "limit", 1000)));
    until(() -> told.size() >= found.length() && updates.get() > 10, "trades and depth");
    int stillOpen = new JSONArray(trading.getOpenOrders(parameters("symbol", symbol))).length();
    System.out.println("\n" + reportOf(found, stillOpen));
    System.exit(0);
  }

  private static void hearAccount(String text) {
    JSONObject event = new JSONObject(text);
    if (event.getString("e").equals("executionReport") && event.getString("x").equals("TRADE")) told.add(event.getLong("t"));
  }

  private static void hearUpdate(String text) {
    JSONObject update = new JSONObject(text);
    long before = lastId.getAndSet(update.getLong("u"));
    if (updates.getAndIncrement() > 0 && update.getLong("U") != before + 1)
      problem.set("an update begins with " + update.getLong("U") + " after " + before);
  }

  private static void closed(int code, String reason) {
    problem.set("the user stream closed with " + code + " " + reason);
  }

  private static void failed(Throwable error, okhttp3.Response response) {
    problem.set("the user stream failed: " + error);
  }

  /** So far from the market that an order rests, with one decimal. */
  private static String away(JSONObject book, String side) {
    boolean buys = side.equals("BUY");
    String best = book.getJSONArray(buys ? "bids" : "asks").getJSONArray(0).getString(0);
    return new BigDecimal(best).multiply(new BigDecimal(buys ? "0.9" : "1.1")).setScale(1, RoundingMode.HALF_UP).toPlainString();
  }

  private static void expectStatus(String status, String answer) {
    String is = new JSONObject(answer).getString("status");
    if (!is.equals(status)) throw new IllegalStateException("an order is " + is + " instead of " + status);
  }

  private static void until(BooleanSupplier isSo, String what) throws InterruptedException {
    long deadline = System.currentTimeMillis() + 30_000;
    while (!isSo.getAsBoolean()) {
      if (problem.get() != null) throw new IllegalStateException(problem.get());
      if (System.currentTimeMillis() > deadline) throw new IllegalStateException("no " + what + " in time");
      Thread.sleep(20);
    }
    if (problem.get() != null) throw new IllegalStateException(problem.get());
  }

  private static Map<String, Object> parameters(Object... namesAndValues) {
    Map<String, Object> all = new LinkedHashMap<>();
    for (int at = 0; at < namesAndValues.length; at += 2) all.put((String) namesAndValues[at], namesAndValues[at + 1]);
    return all;
  }

  private static JSONObject reportOf(JSONArray found, int stillOpen) {
    JSONArray trades = new JSONArray();
    for (Object each : found) {
      JSONObject trade = (JSONObject) each;
      trades.put(
          new JSONObject()
              .put("id", "" + trade.getLong("id"))
              .put("order", "" + trade.getLong("orderId"))
              .put("side", trade.getBoolean("isBuyer") ? "buy" : "sell")
              .put("price", trade.getString("price"))
              .put("amount", trade.getString("qty"))
              .put("fee", trade.getString("commission")));
    }
    JSONArray ids = new JSONArray();
    for (long id : told) ids.put("" + id);
    return new JSONObject().put("trades", trades).put("told", ids).put("open", stillOpen).put("depth", updates.get());
  }
}
