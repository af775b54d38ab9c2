# Gives the program commands and compares its answers. Output is TAP.
program=../build/keyhold-test
number=0
failed=0

# is NAME WANTED: standard input are the commands; the answers and the exit code are compared
is() {
    local name=$1 wanted=$2 got
    got=$(timeout 5 "$program" 2>/dev/null; echo "exit $?")
    number=$((number + 1))
    if [ "$got" = "$(printf "$wanted")" ]; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        echo "# got:"
        printf '%s\n' "$got" | head -n 8 | cut -c 1-200 | sed 's/^/#   /'
        failed=1
    fi
}

is "a value with a blank" 'one two\n(none)\nexit 0' <<< $'set a one two\nget a\nget b'
is "a value set twice" 'y\n1\nexit 0' <<< $'set a x\nset a y\nget a\ncount'
is "copy" 'x\nx\nexit 0' <<< $'set a x\ncopy a b\nget b\nget a'
is "copy of nothing" '(none)\nexit 0' <<< $'copy a b'
is "delete" '(none)\n0\n(none)\nexit 0' <<< $'set a x\ndel a\nget a\ncount\ndel a'
is "append" 'xy\nz\nexit 0' <<< $'set a x\nappend a y\nget a\nappend b z\nget b'
is "keys are sorted" 'a\nb\nc\nexit 0' <<< $'set b 1\nset c 2\nset a 3\nkeys'
is "an unknown command" '? jump\nexit 0' <<< $'jump over'

echo "1..$number"
exit $failed
