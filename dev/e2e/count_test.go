package e2e_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/handslag/handslag/signing"
)

// The worst case that a collection may come to, in events of history; Temporal
// ends a workflow at 51,200 and warns at 10,240.
const mostEvents = 5000

// TestHistoryStaysShort measures what an attempt costs in history, and that the
// worst collection that the limits allow stays well under Temporal's own.
func TestHistoryStaysShort(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	events := map[int]int{}
	for _, n := range []int{1, 2, 5} {
		c := s.collect(terms{people: s.people(n), steps: []int{1, 1, 1, 1, 1}[:n]})
		for i := range n {
			c.sign(i)
		}
		c.completes()
		events[n] = len(history(t, c.ID).GetEvents())
		t.Logf("%d participants: %d events", n, events[n])
	}
	perAttempt := (events[5] - events[1] + 3) / 4
	rest := events[1] - perAttempt
	require.LessOrEqual(t, perAttempt, 30)
	perDocument := 6 // three events of an activity, and a workflow task
	worst := rest + signing.MaxAttempts*perAttempt + signing.MaxDocuments*perDocument
	t.Logf("%d events per attempt, %d for the rest; at worst %d", perAttempt, rest, worst)
	require.Less(t, worst, mostEvents)
}

// tasks are the events of workflow tasks. Two things that happen at about the
// same time may share one, or not.
var tasks = []enumspb.EventType{
	enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
}

// TestWaitingCostsNoHistory has a person take their time with the app open.
func TestWaitingCostsNoHistory(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	counts, all := map[time.Duration]map[enumspb.EventType]int{}, map[time.Duration]int{}
	for _, wait := range []time.Duration{3 * time.Second, 20 * time.Second} {
		t.Run(fmt.Sprint(wait), func(t *testing.T) {
			c := s.collect(terms{people: s.people(1)})
			c.start(0, "qr")
			order := c.scan(0, c.people[0])
			c.hinted(0, "userSign")
			time.Sleep(wait) // this is what is measured
			c.enter(0, order)
			c.completes()
			kinds := map[enumspb.EventType]int{}
			for _, e := range history(t, c.ID).GetEvents() {
				all[wait]++
				if !slices.Contains(tasks, e.GetEventType()) {
					kinds[e.GetEventType()]++
				}
			}
			counts[wait] = kinds
		})
	}
	t.Logf("%d events after 3 s, %d after 20 s", all[3*time.Second], all[20*time.Second])
	require.InDelta(t, all[3*time.Second], all[20*time.Second], float64(2*len(tasks)))
	require.Equal(t, counts[3*time.Second], counts[20*time.Second])
}
