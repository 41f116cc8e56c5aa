package main

import (
	"fmt"
	"time"
)

// tally is how one judge fared.
type tally struct {
	files, agree int
	excused      map[string]int // why, how many signatures
	disagree     []string
	took         time.Duration
}

func (t *tally) excusedTotal() int {
	n := 0
	for _, m := range t.excused {
		n += m
	}
	return n
}

// count holds one judge's answer against what is known of the sample.
func (t *tally) count(judge string, s *sample, answers map[string]answer) {
	t.files++
	a, ok := answers[s.path]
	if !ok {
		t.disagree = append(t.disagree, s.name+": no answer")
		return
	}
	if s.spoilt != "" {
		t.countSpoilt(judge, s, a)
		return
	}
	if judge == "qpdf" {
		if a.Error != "" {
			t.disagree = append(t.disagree, s.name+": "+a.Error)
			return
		}
		t.agree++
		return
	}
	want, stamps := s.signatures, 0
	if s.level == "B-LTA" {
		stamps = want
	}
	got := map[string]int{}
	for _, v := range a.Signatures {
		got[v.Kind]++
		t.countOne(judge, s, s.keys[v.Field], v)
	}
	if a.Error != "" {
		t.countOne(judge, s, "", verdict{Why: a.Error})
		return
	}
	if got["signature"] != want || got["timestamp"] != stamps {
		if why := unable(judge, s, "", verdict{}); why != "" {
			t.excused[why]++
			return
		}
		t.disagree = append(t.disagree, fmt.Sprintf("%s: found %v, not %d signatures and %d document timestamps", s.name, got, want, stamps))
	}
}

func (t *tally) countOne(judge string, s *sample, key string, v verdict) {
	why := unable(judge, s, key, v)
	level := v.Level == "" || v.Level == s.level
	switch {
	case v.good() && level:
		t.agree++
	case why != "":
		t.excused[why]++
	case v.good():
		t.disagree = append(t.disagree, fmt.Sprintf("%s, %s %s: level %s instead of %s", s.name, v.Kind, v.Field, v.Level, s.level))
	default:
		t.disagree = append(t.disagree, fmt.Sprintf("%s, %s %s (%s): %s", s.name, v.Kind, v.Field, key, v))
	}
}

// countSpoilt: at least one signature, or the file, must be refused; a file in
// which a judge of signatures finds none is as good as refused.
func (t *tally) countSpoilt(judge string, s *sample, a answer) {
	bad := a.Error != "" || judge != "qpdf" && len(a.Signatures) == 0
	for _, v := range a.Signatures {
		bad = bad || !v.good()
	}
	why := s.blind[judge]
	switch {
	case bad:
		t.agree++
	case why != "":
		t.excused[why]++
	default:
		t.disagree = append(t.disagree, fmt.Sprintf("%s: nothing is found wrong although %s", s.name, s.spoilt))
	}
}
