package buildlog

import (
	"encoding/binary"
	"hash/maphash"
)

// maxRemembered is how many of the newest lines are remembered: as many as can
// be read at once.
const maxRemembered = maxTail

// place is how far a log has been delivered: how many of its lines, and what
// the newest of them were. It finds that place again in a stream that begins
// anew and in the last lines that REST reads.
type place struct {
	seed    maphash.Seed
	lines   int      // delivered
	counted bool     // all before them were: the newest is line number lines of the file
	since   int      // nothing before this line is remembered
	ring    []uint64 // hashes of the newest lines; line n is at (n-1) % maxRemembered
	scratch []byte
}

func newPlace() place { return place{seed: maphash.MakeSeed(), counted: true} }

// add takes the next line.
func (p *place) add(line []byte) {
	h := p.hash(line)
	p.lines++
	if i := (p.lines - 1) % maxRemembered; i < len(p.ring) {
		p.ring[i] = h
	} else {
		p.ring = append(p.ring, h)
	}
}

// forget starts over: with counted at the first line of an emptied file, else after
// a gap, where the numbers of lines are unknown.
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

// remembered is how many of the newest lines have their hash kept.
func (p *place) remembered() int {
	return min(p.lines-p.since, maxRemembered)
}

// same compares the nth line of the file with what it was; known is false for
// one that is not remembered.
func (p *place) same(n int, line []byte) (same, known bool) {
	if !p.counted || n > p.lines || n <= p.lines-p.remembered() {
		return false, false
	}
	return p.at(n) == p.hash(line), true
}

// at is the hash of the nth line, which must be remembered.
func (p *place) at(n int) uint64 { return p.ring[(n-1)%maxRemembered] }

// hash is the same for a line that came whole and for one in which Dokploy
// broke a character at the border of its reads: only ASCII counts.
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

// ascii reports whether b is ASCII only. It looks at eight bytes at a time.
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

// fitting is how the last lines of a file follow what was delivered.
type fitting int

const (
	// fits: the place is known.
	fits fitting = iota
	// unsure: lines repeat, and there is more than one place, or hardly
	// anything to know it by.
	unsure
	// apart: nothing of what was delivered is among them.
	apart
	// rewritten: the file was emptied and started over.
	rewritten
)

const (
	// enough lines that are known again are no accident, where nothing else is
	// known again.
	enough = 8
	// unmistakable are so many in a row, whatever stands before them.
	unmistakable = 64
)

// fit finds where the last lines of the file go on: lines[from:] are new. whole
// says that they are all lines of the file.
func (p *place) fit(lines [][]byte, whole bool) (from int, how fitting) {
	if whole && p.counted {
		return p.fitWhole(lines)
	}
	if p.lines == 0 {
		return 0, apart
	}
	return p.overlap(lines)
}

// fitWhole knows the place by number. A single line that differs does not make
// another file.
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

// overlap is how many of the given lines, the last of the file, were delivered
// already: those at their beginning that are the end of what was delivered. Of
// several lengths that fit it is the longest, so
// that no line comes twice.
func (p *place) overlap(lines [][]byte) (n int, how fitting) {
	known := p.remembered()
	// Both backwards, what was delivered first: where the second is like the
	// beginning of the first for some length, that many lines before that place
	// are the newest ones.
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
			// A line far back differs: tail's own words can come into one.
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

// candidates are the overlaps that fit: the longest, how many there are, and how
// many are too long to fit by chance.
type candidates struct{ best, count, long int }

// add takes an overlap of m lines.
func (c *candidates) add(m int) {
	c.best = max(c.best, m)
	c.count++
	if m >= enough {
		c.long++
	}
}

// most is how many of the file's last lines can have been delivered.
func (p *place) most() int {
	if p.counted {
		return p.lines
	}
	return int(^uint(0) >> 1)
}

// prefixes is the Z function: how long what begins at each place is like the
// beginning of the whole.
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
