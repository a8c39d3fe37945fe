package main

import (
	"bufio"
	"os"
	"sync/atomic"
	"time"
)

type problem struct {
	At   int64  `json:"at"`
	What string `json:"what"`
}

type book struct {
	Bids [][2]string `json:"bids"`
	Asks [][2]string `json:"asks"`
}

type soakReport struct {
	Trades     []trade   `json:"trades"`
	Told       []trade   `json:"told"`
	Open       int       `json:"open"`
	Placed     int       `json:"placed"`
	Problems   []problem `json:"problems"`
	Reconnects int64     `json:"reconnects"`
	Book       book      `json:"book"`
}

// A rewind of the session's owner takes away trades that are later than its place.
const learnEvery = 3 * time.Second

// Spreads the orders over the task's time. What goes wrong meanwhile is noted: the market may begin anew at any moment.
func soak(at market, t task) error {
	h := newHeard(at)
	var reconnects atomic.Int64
	go followAgainAndAgain(at, h, &reconnects)
	for h.updates() == 0 {
		time.Sleep(50 * time.Millisecond)
	}
	said := soakReport{Problems: []problem{}}
	note := func(err error) {
		said.Problems = append(said.Problems, problem{time.Now().UnixMilli(), err.Error()})
	}
	known := map[[2]string]trade{}
	learn := func() {
		trades, err := at.trades()
		if err != nil {
			note(err)
		}
		for _, each := range trades {
			known[[2]string{each.Order, each.ID}] = each
		}
	}
	begun := time.Now()
	learned := begun
	span := time.Duration(t.Seconds) * time.Second
	for number := 0; said.Placed < t.Orders && number < t.Orders*6/5; number++ {
		time.Sleep(time.Until(begun.Add(span * time.Duration(number) / time.Duration(t.Orders))))
		if err := place(at, t, number); err != nil {
			note(err)
		} else {
			said.Placed++
		}
		if time.Since(learned) > learnEvery {
			learn()
			learned = time.Now()
		}
	}
	time.Sleep(time.Until(begun.Add(span)))
	tell(map[string]bool{"done": true})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		learn()
		open, err := at.open()
		if err != nil {
			return err
		}
		said.Open = open
		said.Trades = []trade{}
		for _, each := range known {
			said.Trades = append(said.Trades, each)
		}
		said.Told, said.Reconnects = h.told(), reconnects.Load()
		said.Book = book{h.book.best(true), h.book.best(false)}
		tell(said)
	}
	return nil
}

// Begins both streams again when one has ended: a stream of go-binance does not come back by itself.
func followAgainAndAgain(at market, h *heard, reconnects *atomic.Int64) {
	for {
		if user, depth, err := at.follow(h); err == nil {
			select {
			case <-user:
			case <-depth:
			}
		}
		reconnects.Add(1)
		time.Sleep(300 * time.Millisecond)
	}
}
