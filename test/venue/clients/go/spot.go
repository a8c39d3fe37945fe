package main

import (
	"fmt"

	"github.com/adshao/go-binance/v2"
)

type spot struct {
	task
	client *binance.Client
}

func newSpot(t task) *spot {
	client := binance.NewClient(t.APIKey, t.Secret)
	client.BaseURL = t.Spot
	binance.BaseWsMainURL = wsOf(t.Spot) + "/ws"
	binance.BaseWsApiMainURL = wsOf(t.Spot) + "/ws-api/v3"
	return &spot{t, client}
}

func (s *spot) follow(h *heard) (user, depth <-chan struct{}, err error) {
	hearUser := func(event *binance.WsUserDataEvent) {
		if event.Event != binance.UserDataEventTypeExecutionReport || event.OrderUpdate.ExecutionType != "TRADE" {
			return
		}
		of := event.OrderUpdate
		h.trade(trade{fmt.Sprint(of.TradeId), fmt.Sprint(of.Id), sideName(of.Side), of.LatestPrice, of.LatestVolume, of.FeeCost})
	}
	user, stop, err := binance.WsUserDataServeSignature(s.APIKey, s.Secret, "HMAC", 0, hearUser, h.fail)
	if err != nil {
		return nil, nil, err
	}
	hearDepth := func(event *binance.WsDepthEvent) {
		h.update(update{event.FirstUpdateID, event.LastUpdateID, event.Bids, event.Asks})
	}
	if depth, _, err = binance.WsDepthServe100Ms(s.Symbol, hearDepth, h.fail); err != nil {
		close(stop)
	}
	return user, depth, err
}

func (s *spot) snapshot() (int64, []level, []level, error) {
	book, err := s.client.NewDepthService().Symbol(s.Symbol).Limit(5000).Do(background)
	if err != nil {
		return 0, nil, nil, err
	}
	return book.LastUpdateID, book.Bids, book.Asks, nil
}

func (s *spot) prices() (bid, ask string, err error) {
	info, err := s.client.NewExchangeInfoService().Symbol(s.Symbol).Do(background)
	if err != nil {
		return "", "", err
	}
	if info.Symbols[0].LotSizeFilter() == nil {
		return "", "", fmt.Errorf("no filters for %s", info.Symbols[0].Symbol)
	}
	book, err := s.client.NewDepthService().Symbol(s.Symbol).Limit(5).Do(background)
	if err != nil {
		return "", "", err
	}
	return book.Bids[0].Price, book.Asks[0].Price, nil
}

func (s *spot) marketOrder(side string) error {
	order, err := s.client.NewCreateOrderService().Symbol(s.Symbol).Side(binance.SideType(side)).
		Type(binance.OrderTypeMarket).Quantity(s.Amount).Do(background)
	if err != nil {
		return err
	}
	return expectStatus("FILLED", string(order.Status))
}

func (s *spot) restingOrder(side, price string) (int64, error) {
	order, err := s.client.NewCreateOrderService().Symbol(s.Symbol).Side(binance.SideType(side)).
		Type(binance.OrderTypeLimit).TimeInForce(binance.TimeInForceTypeGTC).Quantity(s.Amount).Price(price).Do(background)
	if err != nil {
		return 0, err
	}
	return order.OrderID, nil
}

func (s *spot) cancel(id int64) error {
	order, err := s.client.NewCancelOrderService().Symbol(s.Symbol).OrderID(id).Do(background)
	if err != nil {
		return err
	}
	return expectStatus("CANCELED", string(order.Status))
}

func (s *spot) trades() ([]trade, error) {
	found, err := s.client.NewListTradesService().Symbol(s.Symbol).Limit(1000).Do(background)
	all := make([]trade, len(found))
	for i, each := range found {
		all[i] = trade{fmt.Sprint(each.ID), fmt.Sprint(each.OrderID), sideText(each.IsBuyer), each.Price, each.Quantity, each.Commission}
	}
	return all, err
}

func (s *spot) open() (int, error) {
	orders, err := s.client.NewListOpenOrdersService().Symbol(s.Symbol).Do(background)
	return len(orders), err
}
