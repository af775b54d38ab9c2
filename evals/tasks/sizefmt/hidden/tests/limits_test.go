package tests

import (
	"strings"
	"testing"

	"example.org/quota/limits"
)

func TestReadSizesWithBlanks(t *testing.T) {
	entries, err := limits.Read(strings.NewReader("a 1.5 KiB\n\nb\t2kB\n"))
	if err != nil || len(entries) != 2 {
		t.Fatalf("got %v, %v", entries, err)
	}
	if entries[0] != (limits.Entry{Name: "a", Size: 1536}) || entries[1] != (limits.Entry{Name: "b", Size: 2000}) {
		t.Errorf("got %v", entries)
	}
}

func TestReadNamesTheLine(t *testing.T) {
	for _, text := range []string{"a 1\n\nb\n", "a 1\n\nb two\n"} {
		if _, err := limits.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestReadLongLines(t *testing.T) {
	name := strings.Repeat("x", 100000)
	entries, err := limits.Read(strings.NewReader(name + " 5\n"))
	if err != nil || len(entries) != 1 || entries[0].Name != name {
		t.Errorf("got %d entries, %v", len(entries), err)
	}
}

func TestOver(t *testing.T) {
	entries := []limits.Entry{{Name: "a", Size: 5}, {Name: "b", Size: 6}, {Name: "c", Size: 7}}
	if over := limits.Over(entries, 6); len(over) != 1 || over[0].Name != "c" {
		t.Errorf("got %v", over)
	}
}
