package main

import (
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/adshao/go-binance/v2/common"
)

type level = common.PriceLevel

type update struct {
	first, last int64
	bids, asks  []level
}

// The local book that Binance's documentation describes; go-binance has the streams and keeps none itself.
type localBook struct {
	snapshot   func() (lastID int64, bids, asks []level, err error)
	mutex      sync.Mutex
	bids, asks map[float64]float64
	lastID     int64
	// Updates that wait for a snapshot, while the book is not in sync.
	waiting   []update
	isWaiting bool
}

// Levels of each side that are told.
const levels = 20

func (b *localBook) hear(each update) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch {
	case b.isWaiting:
		b.waiting = append(b.waiting, each)
	case each.last <= b.lastID: // another connection has told it
	case b.lastID != 0 && each.first <= b.lastID+1:
		b.apply(each)
	default:
		b.waiting, b.isWaiting = []update{each}, true
		go b.synchronize(each.first)
	}
}

// Begins with a snapshot that is not older than the first update, and applies those that are later than it.
func (b *localBook) synchronize(first int64) {
	for {
		lastID, bids, asks, err := b.snapshot()
		if err != nil || lastID < first-1 {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		b.mutex.Lock()
		defer b.mutex.Unlock()
		b.bids, b.asks, b.lastID = map[float64]float64{}, map[float64]float64{}, 0
		b.apply(update{last: lastID, bids: bids, asks: asks})
		for nth, each := range b.waiting {
			if each.last <= lastID {
				continue
			}
			if each.first > b.lastID+1 { // the market has begun anew meanwhile
				b.waiting = b.waiting[nth:]
				go b.synchronize(each.first)
				return
			}
			b.apply(each)
		}
		b.waiting, b.isWaiting = nil, false
		return
	}
}

func (b *localBook) apply(each update) {
	set := func(side map[float64]float64, changed []level) {
		for _, level := range changed {
			price, size, _ := level.Parse()
			if size == 0 {
				delete(side, price)
			} else {
				side[price] = size
			}
		}
	}
	set(b.bids, each.bids)
	set(b.asks, each.asks)
	b.lastID = each.last
}

// The best levels of a side, once there is a book.
func (b *localBook) best(isBids bool) [][2]string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	side, sign := b.asks, 1.0
	if isBids {
		side, sign = b.bids, -1.0
	}
	found := [][2]string{}
	if b.isWaiting {
		return found
	}
	prices := []float64{}
	for price := range side {
		prices = append(prices, price)
	}
	sort.Slice(prices, func(i, j int) bool { return sign*prices[i] < sign*prices[j] })
	text := func(number float64) string { return strconv.FormatFloat(number, 'f', -1, 64) }
	for nth, price := range prices {
		if nth == levels {
			break
		}
		found = append(found, [2]string{text(price), text(side[price])})
	}
	return found
}
