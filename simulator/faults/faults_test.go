package faults_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/faults"
)

func TestTake(t *testing.T) {
	newSet := func() *faults.Set {
		return faults.NewSet([]faults.Kind{faults.Maintenance, faults.CutAfter}, []string{"sign", "collect"})
	}
	fires := func(s *faults.Set, endpoint string, terminal bool) bool {
		_, ok := s.Take(faults.CutAfter, endpoint, terminal)
		return ok
	}
	t.Run("counts itself out", func(t *testing.T) {
		s := newSet()
		_, err := s.Add(faults.Fault{Kind: faults.CutAfter, Count: 2})
		require.NoError(t, err)
		require.True(t, fires(s, "sign", false))
		require.True(t, fires(s, "collect", false))
		require.False(t, fires(s, "collect", false))
		require.Empty(t, s.List())
	})
	t.Run("stays until cleared", func(t *testing.T) {
		s := newSet()
		f, err := s.Add(faults.Fault{Kind: faults.CutAfter, Endpoint: "sign"})
		require.NoError(t, err)
		for range 5 {
			require.True(t, fires(s, "sign", false))
		}
		require.False(t, fires(s, "collect", false))
		s.Clear(f.ID)
		require.False(t, fires(s, "sign", false))
	})
	t.Run("waits for a terminal answer", func(t *testing.T) {
		s := newSet()
		_, err := s.Add(faults.Fault{Kind: faults.CutAfter, Count: 1, TerminalOnly: true})
		require.NoError(t, err)
		require.False(t, fires(s, "collect", false))
		require.True(t, fires(s, "collect", true))
	})
	t.Run("another kind is left alone", func(t *testing.T) {
		s := newSet()
		_, err := s.Add(faults.Fault{Kind: faults.Maintenance, Count: 1})
		require.NoError(t, err)
		require.False(t, fires(s, "sign", true))
	})
}

func TestRoutes(t *testing.T) {
	s := faults.NewSet([]faults.Kind{faults.Slow}, []string{"sign"})
	mux := http.NewServeMux()
	s.Mount(mux, "/v1/faults")
	do := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w
	}
	for name, row := range map[string]struct{ body, code string }{
		"unknown kind":     {`{"kind":"flood"}`, "unknown_fault"},
		"unknown endpoint": {`{"kind":"slow","endpoint":"x"}`, "unknown_endpoint"},
		"negative count":   {`{"kind":"slow","count":-1}`, "bad_count"},
		"unknown member":   {`{"kind":"slow","often":true}`, "bad_json"},
		"bad delay":        {`{"kind":"slow","delay":"soon"}`, "bad_json"},
	} {
		t.Run(name, func(t *testing.T) {
			w := do("POST", "/v1/faults", row.body)
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.Contains(t, w.Body.String(), row.code)
		})
	}
	w := do("POST", "/v1/faults", `{"kind":"slow","endpoint":"sign","count":3,"delay":"2s"}`)
	require.Equal(t, http.StatusCreated, w.Code)
	var f faults.Fault
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &f))
	require.Equal(t, faults.Fault{ID: 1, Kind: faults.Slow, Endpoint: "sign", Count: 3, Delay: faults.Duration(2 * time.Second)}, f)
	require.Contains(t, do("GET", "/v1/faults", "").Body.String(), `"2s"`)
	require.Equal(t, http.StatusNoContent, do("DELETE", "/v1/faults/1", "").Code)
	require.Empty(t, s.List())
}
