package config

import "testing"

func TestEachInputIsInOneGroup(t *testing.T) {
	groups := map[string]int{}
	for _, g := range Groups {
		for _, s := range g.Settings() {
			groups[s.Name]++
		}
	}
	for _, s := range Settings {
		if n := groups[s.Name]; n != 1 {
			t.Errorf("the input %s is in %d groups of groups.go", s.Name, n)
		}
	}
}
