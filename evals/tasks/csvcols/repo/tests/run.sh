# Runs the program on inputs and compares what it prints. Output is TAP.
program=../build/csvcols-test
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

is "columns in the order asked for" "3,1\n6,4\nexit 0" "1,2,3\n4,5,6\n" 3,1
is "a column twice" "1,1\nexit 0" "1,2\n" 1,1
is "a column that is not there" ",1\nexit 0" "1,2\n" 9,1
is "a comma in quotes" "\"b,c\"\nexit 0" "a,\"b,c\"\n" 2
is "quotes that are not needed" "b\nexit 0" "a,\"b\"\n" 2
is "a last row without line feed" "2\nexit 0" "1,2" 2
is "tabs" "2\t1\nexit 0" "1\t2\n" -t 2,1
is "column 0" "exit 2" "1,2\n" 0
is "no number" "exit 2" "1,2\n" 1,x

echo "1..$number"
exit $failed
