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

echo "1..$number"
exit $failed
