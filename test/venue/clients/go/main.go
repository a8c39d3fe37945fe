// go-binance at a session's venue: requests, the user stream and the depth stream of one market. Its argument is a task, as task.mjs has it, and its
// last line a report, as JSON; with seconds in the task, one for each line of its standard input.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type task struct {
	Spot          string `json:"spot"`
	Usdm          string `json:"usdm"`
	APIKey        string `json:"apiKey"`
	Secret        string `json:"secret"`
	Market        string `json:"market"`
	Symbol        string `json:"symbol"`
	Orders        int    `json:"orders"`
	Amount        string `json:"amount"`
	PriceDecimals *int   `json:"priceDecimals"`
	Seconds       int    `json:"seconds"`
}

type trade struct {
	ID     string `json:"id"`
	Order  string `json:"order"`
	Side   string `json:"side"`
	Price  string `json:"price"`
	Amount string `json:"amount"`
	Fee    string `json:"fee"`
}

type report struct {
	Trades []trade `json:"trades"`
	Told   []trade `json:"told"`
	Open   int     `json:"open"`
	Depth  int     `json:"depth"`
}

// What both markets have, in their own words.
type market interface {
	// Follow begins the user stream and the depth stream, and notes what they tell. A channel closes when its stream has ended.
	follow(*heard) (user, depth <-chan struct{}, err error)
	prices() (bid, ask string, err error)
	marketOrder(side string) error
	restingOrder(side, price string) (id int64, err error)
	cancel(id int64) error
	trades() ([]trade, error)
	open() (int, error)
	snapshot() (lastID int64, bids, asks []level, err error)
}

func sideOf(number int) string {
	if number%2 == 0 {
		return "BUY"
	}
	return "SELL"
}

func sideText(isBuy bool) string {
	if isBuy {
		return "buy"
	}
	return "sell"
}

func sideName(side string) string { return strings.ToLower(side) }

// In the words of all clients' programs, by which late answers are known.
func expectStatus(wanted, status string) error {
	if status != wanted {
		return fmt.Errorf("an order is %s instead of %s", status, wanted)
	}
	return nil
}

// A price so far from the market that an order rests.
func (t task) away(side, bid, ask string) string {
	decimals := 1
	if t.PriceDecimals != nil {
		decimals = *t.PriceDecimals
	}
	var price float64
	if side == "BUY" {
		fmt.Sscan(bid, &price)
		return fmt.Sprintf("%.*f", decimals, price*0.9)
	}
	fmt.Sscan(ask, &price)
	return fmt.Sprintf("%.*f", decimals, price*1.1)
}

// Two market orders, then a limit order that it cancels, and so on, sides in turn.
func place(at market, t task, number int) error {
	side := sideOf(number)
	if number%3 != 2 {
		return at.marketOrder(side)
	}
	bid, ask, err := at.prices()
	if err != nil {
		return err
	}
	id, err := at.restingOrder(side, t.away(side, bid, ask))
	if err != nil {
		return err
	}
	return at.cancel(id)
}

func run(t task) (*report, error) {
	var at market = newSpot(t)
	if t.Market == "usdm" {
		at = newFutures(t)
	}
	if t.Seconds > 0 {
		return nil, soak(at, t)
	}
	h := newHeard(at)
	if _, _, err := at.follow(h); err != nil {
		return nil, err
	}
	for number := 0; number < t.Orders; number++ {
		if err := place(at, t, number); err != nil {
			return nil, err
		}
	}
	trades, err := at.trades()
	if err != nil {
		return nil, err
	}
	if err := h.until(func() bool { return len(h.trades) >= len(trades) && h.depth > 10 }, "trades and depth"); err != nil {
		return nil, err
	}
	open, err := at.open()
	return &report{Trades: trades, Told: h.told(), Open: open, Depth: h.depth}, err
}

func wsOf(address string) string { return strings.Replace(address, "http", "ws", 1) }

var background = context.Background()

func main() {
	var t task
	if err := json.Unmarshal([]byte(os.Args[1]), &t); err != nil {
		panic(err)
	}
	result, err := run(t)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if result != nil {
		tell(result)
	}
}

// A line for the process that started the program.
func tell(what any) {
	text, _ := json.Marshal(what)
	fmt.Printf("\n%s\n", text)
}
