package tests

import (
	"testing"

	"example.org/quota/size"
)

func parses(t *testing.T, text string, wanted int64) {
	t.Helper()
	if got, err := size.Parse(text); err != nil || got != wanted {
		t.Errorf("Parse(%q) = %d, %v; wanted %d", text, got, err, wanted)
	}
}

func formats(t *testing.T, bytes int64, wanted string) {
	t.Helper()
	if got := size.Format(bytes); got != wanted {
		t.Errorf("Format(%d) = %q; wanted %q", bytes, got, wanted)
	}
}

func fails(t *testing.T, text string) {
	t.Helper()
	if got, err := size.Parse(text); err == nil {
		t.Errorf("Parse(%q) = %d; wanted an error", text, got)
	}
}

func TestParseUnits(t *testing.T) {
	parses(t, "12", 12)
	parses(t, "3kB", 3000)
	parses(t, "3KiB", 3072)
	parses(t, "1.5gib", 1610612736)
}

func TestParseNonsense(t *testing.T) {
	fails(t, "")
	fails(t, "GiB")
	fails(t, "5 bananas")
	fails(t, "1.2.3")
}

func TestFormat(t *testing.T) {
	formats(t, 512, "512 B")
	formats(t, 1536, "1.5 KiB")
	formats(t, 1610612736, "1.5 GiB")
}
