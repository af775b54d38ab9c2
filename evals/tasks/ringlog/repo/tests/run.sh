# Runs the program on inputs and compares what it prints. Output is TAP.
program=../build/ringlog-test
number=0
failed=0

# is NAME WANTED INPUT ARGUMENT...: the program's output and exit code for this input
is() {
    local name=$1 wanted=$2 input=$3 got
    shift 3
    got=$(printf "$input" | timeout 5 "$program" "$@" 2>/dev/null; echo "exit $?")
    number=$((number + 1))
    if [ "$got" = "$(printf "$wanted")" ]; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        echo "# got:"
        printf '%s\n' "$got" | head -n 8 | sed 's/^/#   /'
        failed=1
    fi
}

is "fewer lines than slots" 'a\nb\nexit 0' 'a\nb\n' 5
is "no lines" 'exit 0' '' 3
is "a last line without line feed" 'a\nb\nexit 0' 'a\nb' 3
is "an empty line is a line" 'a\n\nb\nexit 0' 'a\n\nb\n' 5
is "no number" 'exit 2' '' x
is "zero" 'exit 2' '' 0

echo "1..$number"
exit $failed
