package main

import (
	"flag"
	"fmt"
	"os"

	"example.org/quota/limits"
	"example.org/quota/size"
)

func main() {
	text := flag.String("limit", "1GiB", "the largest size that is fine")
	flag.Parse()
	limit, err := size.Parse(*text)
	if err == nil {
		err = run(limit)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quota:", err)
		os.Exit(1)
	}
}

func run(limit int64) error {
	entries, err := limits.Read(os.Stdin)
	if err != nil {
		return err
	}
	for _, entry := range limits.Over(entries, limit) {
		fmt.Printf("%s: %s\n", entry.Name, size.Format(entry.Size))
	}
	return nil
}
