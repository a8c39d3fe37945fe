import com.binance.connector.client.SpotClient;
import com.binance.connector.client.impl.SpotClientImpl;
import com.binance.connector.client.impl.spot.Trade;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.json.JSONArray;
import org.json.JSONObject;

/**
 * binance-connector-java, the exchange's own, at a session's venue: requests, the user stream and the depth stream of the spot market. Its argument
 * is a task, as task.mjs has it, and its last line a report, as JSON; with seconds in the task, one for each line of its standard input.
 */
public final class Client {
  /** A rewind of the session's owner takes away trades that are later than its place. */
  private static final long LEARN_EVERY_MS = 3_000;

  private final JSONObject task;
  private final String symbol;
  private final SpotClient client;
  private final Trade trading;
  private final Streams streams;
  /** Trades that it has asked for, by order and trade: the ids of trades are given again after a rewind. */
  private final Map<String, JSONObject> known = new LinkedHashMap<>();
  private final JSONArray problems = new JSONArray();

  private Client(JSONObject task) {
    this.task = task;
    symbol = task.getString("symbol");
    client = new SpotClientImpl(task.getString("apiKey"), task.getString("secret"), task.getString("spot"));
    trading = client.createTrade();
    streams = new Streams(client, task.getString("spot"), symbol);
  }

  public static void main(String[] arguments) throws Exception {
    Client client = new Client(new JSONObject(arguments[0]));
    if (client.task.has("seconds")) client.soak();
    else client.tradeAtOnce();
    System.exit(0);
  }

  private void tradeAtOnce() throws InterruptedException {
    streams.follow();
    for (int number = 0; number < task.getInt("orders"); number++) place(number);
    learn();
    streams.until(() -> streams.told.size() >= known.size() && streams.updates.get() > 10, "trades and depth");
    tell(report().put("depth", streams.updates.get()));
  }

  /** Spreads the orders over the task's time. What goes wrong meanwhile is noted: the market may begin anew at any moment. */
  private void soak() throws Exception {
    streams.followAgainAndAgain();
    while (streams.updates.get() == 0) Thread.sleep(50);
    long begun = System.currentTimeMillis(), learned = begun, ms = task.getLong("seconds") * 1_000;
    int orders = task.getInt("orders"), placed = 0;
    for (int number = 0; placed < orders && number < orders * 1.2; number++) {
      sleepUntil(begun + number * ms / orders);
      if (noted(number)) placed++;
      if (System.currentTimeMillis() < learned + LEARN_EVERY_MS) continue;
      learn();
      learned = System.currentTimeMillis();
    }
    sleepUntil(begun + ms);
    tell(new JSONObject().put("done", true));
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    while (lines.readLine() != null) {
      learn();
      tell(
          report()
              .put("placed", placed)
              .put("problems", problems)
              .put("reconnects", streams.reconnects.get())
              .put("book", streams.book.best()));
    }
  }

  /** Two market orders, then a limit order far from the market that it cancels, and so on, sides in turn. */
  private void place(int number) {
    String side = number % 2 == 0 ? "BUY" : "SELL";
    Map<String, Object> order = parameters("symbol", symbol, "side", side, "quantity", task.getString("amount"));
    if (number % 3 != 2) {
      order.put("type", "MARKET");
      expectStatus("FILLED", trading.newOrder(order));
      return;
    }
    order.put("type", "LIMIT");
    order.put("timeInForce", "GTC");
    order.put("price", away(side));
    long id = new JSONObject(trading.newOrder(order)).getLong("orderId");
    expectStatus("CANCELED", trading.cancelOrder(parameters("symbol", symbol, "orderId", id)));
  }

  private boolean noted(int number) {
    try {
      place(number);
      return true;
    } catch (RuntimeException error) {
      problems.put(new JSONObject().put("at", System.currentTimeMillis()).put("what", "" + error));
      return false;
    }
  }

  private void learn() {
    for (Object each : new JSONArray(trading.myTrades(parameters("symbol", symbol, "limit", 1000)))) {
      JSONObject trade = (JSONObject) each;
      String id = "" + trade.getLong("id"), order = "" + trade.getLong("orderId");
      known.put(
          order + "/" + id,
          new JSONObject()
              .put("id", id)
              .put("order", order)
              .put("side", trade.getBoolean("isBuyer") ? "buy" : "sell")
              .put("price", trade.getString("price"))
              .put("amount", trade.getString("qty"))
              .put("fee", trade.getString("commission")));
    }
  }

  private JSONObject report() {
    int open = new JSONArray(trading.getOpenOrders(parameters("symbol", symbol))).length();
    return new JSONObject().put("trades", known.values()).put("told", streams.sortedTrades()).put("open", open);
  }

  /** So far from the market that an order rests. */
  private String away(String side) {
    boolean buys = side.equals("BUY");
    JSONObject book = new JSONObject(client.createMarket().depth(parameters("symbol", symbol, "limit", 5)));
    String best = book.getJSONArray(buys ? "bids" : "asks").getJSONArray(0).getString(0);
    BigDecimal price = new BigDecimal(best).multiply(new BigDecimal(buys ? "0.9" : "1.1"));
    return price.setScale(task.optInt("priceDecimals", 1), RoundingMode.HALF_UP).toPlainString();
  }

  private static void expectStatus(String status, String answer) {
    String is = new JSONObject(answer).getString("status");
    if (!is.equals(status)) throw new IllegalStateException("an order is " + is + " instead of " + status);
  }

  private static void sleepUntil(long ms) throws InterruptedException {
    Thread.sleep(Math.max(0, ms - System.currentTimeMillis()));
  }

  static Map<String, Object> parameters(Object... namesAndValues) {
    Map<String, Object> all = new LinkedHashMap<>();
    for (int at = 0; at < namesAndValues.length; at += 2) all.put((String) namesAndValues[at], namesAndValues[at + 1]);
    return all;
  }

  /** A line for the process that started the program. */
  private static void tell(JSONObject what) {
    System.out.println("\n" + what);
  }
}
