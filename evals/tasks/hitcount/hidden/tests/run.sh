# Gives the program logs and compares what it prints. Output is TAP.
program=$(cd "$(dirname "$0")/.." && pwd)/bin/hitcount
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
number=0
failed=0

# is NAME WANTED ARGUMENT...: standard input is the log; output, errors and exit code are compared
is() {
    local name=$1 wanted=$2 got
    shift 2
    got=$(timeout 5 bash "$program" "$@" 2>"$errors" || code=$?; cat "$errors"; [ -z "${code-}" ] || echo "exit $code")
    number=$((number + 1))
    if [ "$got" = "$wanted" ]; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        printf 'got:\n%s\nwanted:\n%s\n' "$got" "$wanted" | head -n 20 | sed 's/^/#   /'
        failed=1
    fi
}

log='10:00 GET "/b" 200
10:01 GET "/a" 404
10:02 POST "/b" 500
10:03 GET "/c d" 200'

is "a table" 'count  errors  path
    2       1  /b
    1       1  /a
    1       0  /c d' <<< "$log"
is "the first" 'count  errors  path
    2       1  /b' --top 1 <<< "$log"
is "one method" 'count  errors  path
    1       1  /b' --method POST <<< "$log"
is "quotes and backslashes" 'count  errors  path
    1       0  /say"hi"\n' <<< '10:00 GET "/say\"hi\"\\n" 200'
is "lines that are none" 'count  errors  path
    1       0  /a
hitcount: 2 lines were not understood' <<< 'what
10:00 GET "/a" 200
10:00 GET /a 200'
is "wrong usage" 'hitcount: usage: hitcount [--top N] [--method M] [--json] < LOG
exit 2' --xml <<< "$log"
is "no number of paths" 'hitcount: usage: hitcount [--top N] [--method M] [--json] < LOG
exit 2' --top 0 <<< "$log"

is "json" '{"requests": 4, "errors": 2, "skipped": 0, "paths": [
  {"path": "/b", "count": 2, "errors": 1},
  {"path": "/a", "count": 1, "errors": 1},
  {"path": "/c d", "count": 1, "errors": 0}
]}' --json <<< "$log"
is "json of an empty log" '{"requests": 0, "errors": 0, "skipped": 0, "paths": []}' --json < /dev/null
is "json with --top counts all requests in the sums" '{"requests": 4, "errors": 2, "skipped": 0, "paths": [
  {"path": "/b", "count": 2, "errors": 1}
]}' --json --top 1 <<< "$log"
is "the flag may come last" '{"requests": 4, "errors": 2, "skipped": 0, "paths": [
  {"path": "/b", "count": 2, "errors": 1}
]}' --top 1 --json <<< "$log"
is "json with --method counts that method only" '{"requests": 1, "errors": 1, "skipped": 0, "paths": [
  {"path": "/b", "count": 1, "errors": 1}
]}' --json --method POST <<< "$log"
is "json says how many lines were skipped, and nothing else does" '{"requests": 1, "errors": 0, "skipped": 2, "paths": [
  {"path": "/a", "count": 1, "errors": 0}
]}' --json <<< 'what
10:00 GET "/a" 200
10:00 GET /a 200'
is "only skipped lines" '{"requests": 0, "errors": 0, "skipped": 1, "paths": []}' --json <<< 'what'
is "quotes and backslashes in json" '{"requests": 1, "errors": 0, "skipped": 0, "paths": [
  {"path": "/say\"hi\"\\n", "count": 1, "errors": 0}
]}' --json <<< '10:00 GET "/say\"hi\"\\n" 200'
is "control characters in json" '{"requests": 2, "errors": 0, "skipped": 0, "paths": [
  {"path": "/a\u0001b", "count": 1, "errors": 0},
  {"path": "/a\u001fb", "count": 1, "errors": 0}
]}' --json <<< $'10:00 GET "/a\x01b" 200\n10:00 GET "/a\x1fb" 200'
is "a tab in a path" '{"requests": 3, "errors": 1, "skipped": 0, "paths": [
  {"path": "/a\tb", "count": 2, "errors": 1},
  {"path": "/a\tc", "count": 1, "errors": 0}
]}' --json <<< $'10:00 GET "/a\tb" 200\n10:00 GET "/a\tb" 404\n10:00 GET "/a\tc" 200'
is "other characters stay as they are" '{"requests": 1, "errors": 0, "skipped": 0, "paths": [
  {"path": "/größe&<%s%d>/'"'"'", "count": 1, "errors": 0}
]}' --json <<< '10:00 GET "/größe&<%s%d>/'"'"'" 200'
is "a tab in the table" $'count  errors  path\n    2       0  /a\tb' <<< $'10:00 GET "/a\tb" 200\n10:00 GET "/a\tb" 200'

echo "1..$number"
exit $failed
