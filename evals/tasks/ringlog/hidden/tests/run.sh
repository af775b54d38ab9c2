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
is "a number with something behind it" 'exit 2' '' 3x
is "too many arguments" 'exit 2' '' 3 4
is "as many lines as slots" 'a\nb\nc\nexit 0' 'a\nb\nc\n' 3
is "one more than slots" 'b\nc\nd\nexit 0' 'a\nb\nc\nd\n' 3
is "two more than slots" 'c\nd\ne\nexit 0' 'a\nb\nc\nd\ne\n' 3
is "once round and more" 'g\nh\ni\nexit 0' 'a\nb\nc\nd\ne\nf\ng\nh\ni\n' 3
is "one slot" 'c\nexit 0' 'a\nb\nc\n' 1
is "numbers" '1: a\n2: b\nexit 0' 'a\nb\n' -n 5
is "numbers of a full ring" '3: c\n4: d\nexit 0' 'a\nb\nc\nd\n' -n 2
for length in 63 64 65 127 128 129 1000; do
    text=$(head -c "$length" /dev/zero | tr '\0' x)
    is "a line of $length bytes" "a\n$text\nexit 0" "a\n$text\n" 2
    is "a last line of $length bytes without line feed" "$text\nexit 0" "$text" 2
done

echo "1..$number"
exit $failed
