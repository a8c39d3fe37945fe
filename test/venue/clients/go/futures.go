package main

import (
	"fmt"
	"time"

	"github.com/adshao/go-binance/v2/futures"
)

type usdm struct {
	task
	client *futures.Client
}

func newFutures(t task) *usdm {
	client := futures.NewClient(t.APIKey, t.Secret)
	client.BaseURL = t.Usdm
	futures.BaseWsMainUrl = wsOf(t.Usdm) + "/ws"
	return &usdm{t, client}
}

func (u *usdm) follow(h *heard) (user, depth <-chan struct{}, err error) {
	key, err := u.client.NewStartUserStreamService().Do(background)
	if err != nil {
		return nil, nil, err
	}
	hearUser := func(event *futures.WsUserDataEvent) {
		if event.Event != futures.UserDataEventTypeOrderTradeUpdate || event.OrderTradeUpdate.ExecutionType != futures.OrderExecutionTypeTrade {
			return
		}
		of := event.OrderTradeUpdate
		side := sideName(string(of.Side))
		h.trade(trade{fmt.Sprint(of.TradeID), fmt.Sprint(of.ID), side, of.LastFilledPrice, of.LastFilledQty, of.Commission})
	}
	user, stop, err := futures.WsUserDataServe(key, hearUser, h.fail)
	if err != nil {
		return nil, nil, err
	}
	hearDepth := func(event *futures.WsDepthEvent) {
		h.update(update{event.FirstUpdateID, event.LastUpdateID, event.Bids, event.Asks})
	}
	if depth, _, err = futures.WsDiffDepthServeWithRate(u.Symbol, 100*time.Millisecond, hearDepth, h.fail); err != nil {
		close(stop)
	}
	return user, depth, err
}

func (u *usdm) snapshot() (int64, []level, []level, error) {
	book, err := u.client.NewDepthService().Symbol(u.Symbol).Limit(1000).Do(background)
	if err != nil {
		return 0, nil, nil, err
	}
	return book.LastUpdateID, book.Bids, book.Asks, nil
}

func (u *usdm) prices() (bid, ask string, err error) {
	info, err := u.client.NewExchangeInfoService().Do(background)
	if err != nil {
		return "", "", err
	}
	if info.Symbols[0].LotSizeFilter() == nil {
		return "", "", fmt.Errorf("no filters for %s", info.Symbols[0].Symbol)
	}
	book, err := u.client.NewDepthService().Symbol(u.Symbol).Limit(5).Do(background)
	if err != nil {
		return "", "", err
	}
	return book.Bids[0].Price, book.Asks[0].Price, nil
}

func (u *usdm) marketOrder(side string) error {
	order, err := u.client.NewCreateOrderService().Symbol(u.Symbol).Side(futures.SideType(side)).
		Type(futures.OrderTypeMarket).Quantity(u.Amount).NewOrderResponseType(futures.NewOrderRespTypeRESULT).Do(background)
	if err != nil {
		return err
	}
	return expectStatus("FILLED", string(order.Status))
}

func (u *usdm) restingOrder(side, price string) (int64, error) {
	order, err := u.client.NewCreateOrderService().Symbol(u.Symbol).Side(futures.SideType(side)).
		Type(futures.OrderTypeLimit).TimeInForce(futures.TimeInForceTypeGTC).Quantity(u.Amount).Price(price).Do(background)
	if err != nil {
		return 0, err
	}
	return order.OrderID, nil
}

func (u *usdm) cancel(id int64) error {
	order, err := u.client.NewCancelOrderService().Symbol(u.Symbol).OrderID(id).Do(background)
	if err != nil {
		return err
	}
	return expectStatus("CANCELED", string(order.Status))
}

func (u *usdm) trades() ([]trade, error) {
	found, err := u.client.NewListAccountTradeService().Symbol(u.Symbol).Limit(1000).Do(background)
	all := make([]trade, len(found))
	for i, each := range found {
		all[i] = trade{fmt.Sprint(each.ID), fmt.Sprint(each.OrderID), sideText(each.Buyer), each.Price, each.Quantity, each.Commission}
	}
	return all, err
}

func (u *usdm) open() (int, error) {
	orders, err := u.client.NewListOpenOrdersService().Symbol(u.Symbol).Do(background)
	return len(orders), err
}
