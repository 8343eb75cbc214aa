package buildlog

import (
	"encoding/binary"
	"hash/maphash"
)

// maxRemembered is how many of the newest lines are remembered: as many as one
// read can return.
const maxRemembered = maxTail

// place is the position in a log: how many lines were delivered, and hashes of
// the newest ones. It finds that position again in a stream that starts over
// and in the last lines read over REST.
type place struct {
	seed    maphash.Seed
	lines   int      // delivered
	counted bool     // no line before them is missing: the newest is line number lines of the file
	since   int      // no line before this one is remembered
	ring    []uint64 // hashes of the newest lines; line n is at (n-1) % maxRemembered
	scratch []byte
}

func newPlace() place { return place{seed: maphash.MakeSeed(), counted: true} }

// add records the next line.
func (p *place) add(line []byte) {
	h := p.hash(line)
	p.lines++
	if i := (p.lines - 1) % maxRemembered; i < len(p.ring) {
		p.ring[i] = h
	} else {
		p.ring = append(p.ring, h)
	}
}

// forget starts over: with counted, at the first line of an emptied file;
// otherwise after a gap, where line numbers are unknown.
func (p *place) forget(counted bool) {
	p.counted = counted
	if counted {
		p.lines = 0
	}
	p.since = p.lines
	if p.lines == 0 {
		p.ring = p.ring[:0]
	}
}

// remembered returns how many of the newest lines have a hash.
func (p *place) remembered() int {
	return min(p.lines-p.since, maxRemembered)
}

// same compares the nth line of the file with what it was. known is false if
// that line is not remembered.
func (p *place) same(n int, line []byte) (same, known bool) {
	if !p.counted || n > p.lines || n <= p.lines-p.remembered() {
		return false, false
	}
	return p.at(n) == p.hash(line), true
}

// at returns the hash of the nth line, which must be remembered.
func (p *place) at(n int) uint64 { return p.ring[(n-1)%maxRemembered] }

// hash returns the same value for a line and for one in which Dokploy broke a
// character at the border of its reads: only ASCII counts.
func (p *place) hash(line []byte) uint64 {
	if ascii(line) {
		return maphash.Bytes(p.seed, line)
	}
	p.scratch = p.scratch[:0]
	for _, c := range line {
		if c < 0x80 {
			p.scratch = append(p.scratch, c)
		}
	}
	return maphash.Bytes(p.seed, p.scratch)
}

// ascii reports whether b is only ASCII. It checks eight bytes at a time.
func ascii(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// fitting says how the last lines of a file fit what was delivered.
type fitting int

const (
	// fits: the position is known.
	fits fitting = iota
	// unsure: lines repeat, and there are several possible positions, or too
	// little to be sure of one.
	unsure
	// apart: none of the delivered lines is among them.
	apart
	// rewritten: the file was emptied and written again.
	rewritten
)

const (
	// enough matching lines are no accident if no other position matches.
	enough = 8
	// unmistakable matching lines in a row are enough whatever precedes them.
	unmistakable = 64
)

// fit finds where the last lines of the file continue: lines[from:] are new.
// whole says that lines is the whole file.
func (p *place) fit(lines [][]byte, whole bool) (from int, how fitting) {
	if whole && p.counted {
		return p.fitWhole(lines)
	}
	if p.lines == 0 {
		return 0, apart
	}
	return p.overlap(lines)
}

// fitWhole finds the position by line number. One line that differs does not
// make it another file.
func (p *place) fitWhole(lines [][]byte) (from int, how fitting) {
	if len(lines) < p.lines {
		return 0, rewritten
	}
	compared, differ := 0, 0
	for n := p.lines - p.remembered() + 1; n <= p.lines; n++ {
		compared++
		if p.at(n) != p.hash(lines[n-1]) {
			differ++
		}
	}
	if otherFile(compared, differ) {
		return 0, rewritten
	}
	return p.lines, fits
}

// otherFile reports whether so many lines differ that it is another file.
func otherFile(compared, differ int) bool { return differ > compared/2 }

// overlap returns how many of the given lines, the last of the file, were
// already delivered: the longest prefix of lines that is a suffix of what was
// delivered. The longest, so that no line is delivered twice.
func (p *place) overlap(lines [][]byte) (n int, how fitting) {
	known := p.remembered()
	// Both are reversed, delivered lines first. Where the second part matches
	// the start of the first for some length, that many lines are the newest
	// delivered ones.
	text := make([]uint64, 0, known+len(lines))
	for i := range known {
		text = append(text, p.at(p.lines-i))
	}
	for i := range lines {
		text = append(text, p.hash(lines[len(lines)-1-i]))
	}
	matches := prefixes(text)
	var all, most candidates
	for m := min(len(lines), p.most()); m > 0; m-- {
		switch like := matches[known+len(lines)-m]; {
		case like >= min(m, known):
			all.add(m)
		case like >= unmistakable:
			// A line far back differs: text of tail's own may have got into it.
			most.add(m)
		}
	}
	if all.count == 0 {
		all = most
	}
	switch {
	case all.count == 0:
		return 0, apart
	case all.long == 1:
		return all.best, fits
	}
	return all.best, unsure
}

// candidates counts the overlaps that match: the longest, their number, and how
// many are too long to match by chance.
type candidates struct{ best, count, long int }

// add records an overlap of m lines.
func (c *candidates) add(m int) {
	c.best = max(c.best, m)
	c.count++
	if m >= enough {
		c.long++
	}
}

// most returns how many of the file's last lines can have been delivered.
func (p *place) most() int {
	if p.counted {
		return p.lines
	}
	return int(^uint(0) >> 1)
}

// prefixes is the Z function: for each position, the length of the longest
// match with the start.
func prefixes(s []uint64) []int {
	z := make([]int, len(s))
	for i, l, r := 1, 0, 0; i < len(s); i++ {
		if i < r {
			z[i] = min(r-i, z[i-l])
		}
		for i+z[i] < len(s) && s[z[i]] == s[i+z[i]] {
			z[i]++
		}
		if i+z[i] > r {
			l, r = i, i+z[i]
		}
	}
	return z
}
