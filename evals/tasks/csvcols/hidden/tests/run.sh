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
is "a doubled quote" '"say ""hi"""\nexit 0' 'a,"say ""hi"""\n' 2
is "only a doubled quote" '""""\nexit 0' '"""",b\n' 1
is "two empty quotes are an empty field" ',x\nexit 0' '"",x\n' 1,2
is "a line feed in quotes" '"b\nc",a\nexit 0' 'a,"b\nc"\n' 2,1
is "rows after a line feed in quotes" '2\n4\nexit 0' '"x\ny",2\n3,4\n' 2
is "carriage returns at the ends of lines" '2\n4\nexit 0' '1,2\r\n3,4\r\n' 2
is "a carriage return after a quote" 'b\nd\nexit 0' '1,"b"\r\n3,"d"\r\n' 2
is "a carriage return elsewhere is kept" '"b\rc"\nexit 0' 'a,b\rc\n' 2
is "a carriage return in quotes before a line feed is kept" '"b\r\nc"\nexit 0' 'a,"b\r\nc"\r\n' 2
is "a quote that is never closed" 'exit 2' 'a,"b' 2
is "rows before an open quote are printed" '2\nexit 2' '1,2\na,"b\n' 2
is "a comma with tabs is nothing special" 'b,c\nexit 0' 'a\tb,c\n' -t 2
is "a tab in quotes with tabs" '"b\tc"\nexit 0' 'a\t"b\tc"\n' -t 2
is "a tab with commas is nothing special" 'b\tc\nexit 0' 'a,b\tc\n' 2
is "an empty row" '\n2\nexit 0' '\n1,2\n' 2
is "an empty last field" ',1\nexit 0' '1,\n' 2,1
is "a comma at the end of the list" 'exit 2' '1,2\n' 1,
long=$(head -c 5000 /dev/zero | tr '\0' y)
is "a long field" "$long\nexit 0" "a,\"$long\"\n" 2
many=$(seq -s, 1 100)
is "a hundred fields" '100,17\nexit 0' "$many\n" 100,17

echo "1..$number"
exit $failed
