package simulator_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
)

// seen is what a relying party has been told of one order.
type seen struct {
	started
	phone    bool
	terminal bool
	gone     bool
	born     time.Time
}

// Whatever persons and relying party do, in whatever order: an ending is told
// once, an order never outlives three minutes unsigned, and no person has two
// live orders.
func TestOrderProperties(t *testing.T) {
	s := start(t, "")
	rapid.Check(t, func(rt *rapid.T) {
		s.clock.Advance(time.Hour) // what an earlier run left behind is forgotten
		var orders []*seen
		pick := func(rt *rapid.T) *seen {
			if len(orders) == 0 {
				rt.Skip("no orders")
			}
			return rapid.SampledFrom(orders).Draw(rt, "order")
		}
		who := rapid.SampledFrom([]string{tolvan, test})
		tolerate := func(rt *rapid.T, err error) {
			require.NotEqual(rt, fault.Internal, kindOf(err), err)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"sign": func(*rapid.T) {
				orders = append(orders, &seen{started: s.order("sign", signBody(nil)), born: s.clock.Now()})
			},
			"call": func(rt *rapid.T) {
				code, answer := s.post("phone/sign", phoneBody(who.Draw(rt, "who")))
				if code == http.StatusOK {
					orders = append(orders, &seen{started: started{ref: answer["orderRef"].(string)}, phone: true, born: s.clock.Now()})
				}
			},
			"open": func(rt *rapid.T) {
				o := pick(rt)
				_, err := s.app.Open(s.ctx(), who.Draw(rt, "who"), o.token)
				tolerate(rt, err)
			},
			"press sign": func(rt *rapid.T) {
				_, err := s.app.Sign(s.ctx(), who.Draw(rt, "who"), pick(rt).ref)
				tolerate(rt, err)
			},
			"press cancel": func(rt *rapid.T) { tolerate(rt, s.app.Cancel(s.ctx(), who.Draw(rt, "who"), pick(rt).ref)) },
			"cancel": func(rt *rapid.T) {
				o := pick(rt)
				if code, _ := s.post("cancel", object{"orderRef": o.ref}); code == http.StatusOK {
					require.False(rt, o.terminal || o.gone, "an ended order was cancelled")
					o.gone = true
				}
			},
			"wait": func(rt *rapid.T) {
				s.clock.Advance(time.Duration(rapid.IntRange(1, 60).Draw(rt, "seconds")) * time.Second)
			},
			"collect": func(rt *rapid.T) {
				o := pick(rt)
				code, answer := s.post("collect", object{"orderRef": o.ref})
				if code != http.StatusOK {
					require.Equal(rt, "No such order", answer["details"])
					o.gone = true
					return
				}
				require.False(rt, o.terminal || o.gone, "an order came back")
				o.terminal = answer["status"] != "pending"
				if !o.terminal {
					require.Less(rt, s.clock.Now().Sub(o.born), orderLife)
					if !o.phone && answer["hintCode"] == "outstandingTransaction" {
						require.Less(rt, s.clock.Now().Sub(o.born), startWindow)
					}
				}
			},
			"": func(rt *rapid.T) {
				live := map[string]int{}
				for _, v := range s.orders() {
					if v.Status == "pending" && v.Person != "" {
						live[v.Person]++
						require.LessOrEqual(rt, live[v.Person], 1, "two live orders of one person")
					}
				}
			},
		})
	})
}

func kindOf(err error) fault.Kind {
	if err == nil {
		return ""
	}
	return fault.KindOf(err)
}

// One ending, many collectors: exactly one of them gets it.
func TestConcurrentCollectors(t *testing.T) {
	s := start(t, "")
	o := s.order("sign", signBody(nil))
	_, err := s.app.Open(s.ctx(), tolvan, o.token)
	require.NoError(t, err)
	_, err = s.app.Sign(s.ctx(), tolvan, o.ref)
	require.NoError(t, err)
	var wg sync.WaitGroup
	codes := make(chan int, 8)
	for range cap(codes) {
		wg.Go(func() {
			code, _, err := s.try(s.rp, "collect", object{"orderRef": o.ref})
			if err == nil {
				codes <- code
			}
		})
	}
	wg.Wait()
	close(codes)
	count := map[int]int{}
	for code := range codes {
		count[code]++
	}
	require.Equal(t, map[int]int{200: 1, 400: 7}, count)
}
