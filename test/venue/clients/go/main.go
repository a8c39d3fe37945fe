// go-binance at a session's venue: requests, the user stream and the depth stream of one market. Its argument is a task, as task.mjs has it, and its
// last line a report, as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

type task struct {
	Spot   string `json:"spot"`
	Usdm   string `json:"usdm"`
	APIKey string `json:"apiKey"`
	Secret string `json:"secret"`
	Market string `json:"market"`
	Symbol string `json:"symbol"`
	Orders int    `json:"orders"`
	Amount string `json:"amount"`
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
	Trades []trade  `json:"trades"`
	Told   []string `json:"told"`
	Open   int      `json:"open"`
	Depth  int      `json:"depth"`
}

// What both markets have, in their own words.
type market interface {
	// Follow begins the user stream and the depth stream, and notes what they tell.
	follow(*heard) error
	prices() (bid, ask string, err error)
	marketOrder(side string) error
	restingOrder(side, price string) (id int64, err error)
	cancel(id int64) error
	trades() ([]trade, error)
	open() (int, error)
}

// What the streams have told.
type heard struct {
	mutex  sync.Mutex
	trades []string
	// Updates of the book, whose ids follow on each other.
	depth   int
	lastID  int64
	problem error
}

func (h *heard) trade(id int64) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.trades = append(h.trades, fmt.Sprint(id))
}

func (h *heard) update(first, last int64) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.depth > 0 && first != h.lastID+1 {
		h.problem = fmt.Errorf("an update begins with %d after %d", first, h.lastID)
	}
	h.depth++
	h.lastID = last
}

func (h *heard) fail(err error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.problem = err
}

func (h *heard) until(isSo func() bool, what string) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		h.mutex.Lock()
		done, problem := isSo(), h.problem
		h.mutex.Unlock()
		if done || problem != nil {
			return problem
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no %s in time", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
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

// A price so far from the market that an order rests, with one decimal.
func away(side, bid, ask string) string {
	var price float64
	if side == "BUY" {
		fmt.Sscan(bid, &price)
		return fmt.Sprintf("%.1f", price*0.9)
	}
	fmt.Sscan(ask, &price)
	return fmt.Sprintf("%.1f", price*1.1)
}

func run(t task) (*report, error) {
	var at market = newSpot(t)
	if t.Market == "usdm" {
		at = newFutures(t)
	}
	h := &heard{}
	if err := at.follow(h); err != nil {
		return nil, err
	}
	bid, ask, err := at.prices()
	if err != nil {
		return nil, err
	}
	for number := 0; number < t.Orders; number++ {
		side := sideOf(number)
		if number%3 != 2 {
			if err := at.marketOrder(side); err != nil {
				return nil, err
			}
			continue
		}
		id, err := at.restingOrder(side, away(side, bid, ask))
		if err != nil {
			return nil, err
		}
		if err := at.cancel(id); err != nil {
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
	return &report{Trades: trades, Told: h.trades, Open: open, Depth: h.depth}, err
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
	text, _ := json.Marshal(result)
	fmt.Printf("\n%s\n", text)
}
