package main

import (
	"fmt"
	"sort"
	"strconv"
	"sync"
	"time"
)

// What the streams have told.
type heard struct {
	mutex sync.Mutex
	// By order and trade: the ids of trades are given again after a rewind, those of orders are not.
	trades map[[2]string]trade
	book   *localBook
	// Updates of the book, whose ids follow on each other.
	depth   int
	lastID  int64
	problem error
}

func newHeard(at market) *heard {
	return &heard{trades: map[[2]string]trade{}, book: &localBook{snapshot: at.snapshot}}
}

func (h *heard) trade(each trade) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.trades[[2]string{each.Order, each.ID}] = each
}

func (h *heard) update(each update) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.depth > 0 && each.first != h.lastID+1 {
		h.problem = fmt.Errorf("an update begins with %d after %d", each.first, h.lastID)
	}
	h.depth++
	h.lastID = each.last
	h.book.hear(each)
}

func (h *heard) fail(err error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.problem = err
}

// How many updates of the book there were.
func (h *heard) updates() int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.depth
}

// The trades that the user stream told, by their ids.
func (h *heard) told() []trade {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	all := []trade{}
	for _, each := range h.trades {
		all = append(all, each)
	}
	number := func(i int) int { id, _ := strconv.Atoi(all[i].ID); return id }
	sort.Slice(all, func(i, j int) bool { return number(i) < number(j) })
	return all
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
