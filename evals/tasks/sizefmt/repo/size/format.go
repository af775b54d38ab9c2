package size

import "fmt"

var names = []string{"B", "KiB", "MiB", "GiB", "TiB"}

// Format prints a size such as "1.5 GiB".
func Format(bytes int64) string {
	value := float64(bytes)
	unit := 0
	for value > 1024 && unit < len(names)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, names[unit])
}
