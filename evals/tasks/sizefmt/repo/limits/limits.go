// Package limits compares sizes with a limit.
package limits

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"example.org/quota/size"
)

// Entry is one line of the input.
type Entry struct {
	Name string
	Size int64
}

// Read reads lines of "NAME SIZE". A name has no blanks.
func Read(input io.Reader) ([]Entry, error) {
	var entries []Entry
	lines := bufio.NewScanner(input)
	for number := 1; lines.Scan(); number++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d: not NAME SIZE", number)
		}
		bytes, err := size.Parse(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		entries = append(entries, Entry{fields[0], bytes})
	}
	return entries, lines.Err()
}

// Over gives the entries above the limit, in their order.
func Over(entries []Entry, limit int64) []Entry {
	var over []Entry
	for _, entry := range entries {
		if entry.Size > limit {
			over = append(over, entry)
		}
	}
	return over
}
