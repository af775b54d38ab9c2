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

func TestParseBlanks(t *testing.T) {
	parses(t, " 3 kB ", 3000)
	parses(t, "1.5   MiB", 1572864)
	fails(t, "1 5 kB")
}

func TestParseRounds(t *testing.T) {
	parses(t, "0.3kB", 300)
	parses(t, "1.001kB", 1001)
	parses(t, "0.0006kB", 1)
	parses(t, "0.0004kB", 0)
	parses(t, "2.3MB", 2300000)
	parses(t, "1.1GB", 1100000000)
}

func TestParseLargeSizesExactly(t *testing.T) {
	parses(t, "9007199254740993", 9007199254740993)
	parses(t, "9223372036854775807", 9223372036854775807)
	parses(t, "8388607TiB", 8388607<<40)
	parses(t, "9007199254740.993kB", 9007199254740993)
}

func TestParseTooLarge(t *testing.T) {
	fails(t, "9223372036854775808")
	fails(t, "8388608TiB")
	fails(t, "99999999999999999999TB")
}

func TestParseMoreNonsense(t *testing.T) {
	fails(t, "-1")
	fails(t, ".")
	fails(t, "1e3")
	fails(t, "0x10")
	fails(t, "NaN")
	fails(t, "1_000")
	fails(t, "1KiBB")
}

func TestFormatFullUnits(t *testing.T) {
	formats(t, 1023, "1023 B")
	formats(t, 1024, "1.0 KiB")
	formats(t, 1<<20, "1.0 MiB")
	formats(t, 1<<40, "1.0 TiB")
	formats(t, 0, "0 B")
}

func TestFormatNeverSays1024(t *testing.T) {
	formats(t, 1<<20-1, "1.0 MiB")
	formats(t, 1<<30-1, "1.0 GiB")
	formats(t, 1023*1024, "1023.0 KiB")
	formats(t, 5000<<40, "5000.0 TiB")
}
