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

sets() { seq "$1" "$2" | sed 's/.*/set key& value number &/'; }
gets() { seq "$1" "$2" | sed 's/.*/get key&/'; }
values() { seq -s '\n' "$1" "$2" | sed 's/[0-9][0-9]*/value number &/g'; }

is "a value longer than the block" 'x\n1\nexit 0' <<< "set a x
set b $(head -c 5000 /dev/zero | tr '\0' b)
get a
set a 1
get a"
is "eight keys fill the first table" "$(values 1 8)\n8\nexit 0" <<< "$(sets 1 8; gets 1 8; echo count)"
is "a missing key in a full table" '(none)\n(none)\nexit 0' <<< "$(sets 1 8; echo get x; echo del x)"
is "nine keys" "$(values 1 9)\n9\nexit 0" <<< "$(sets 1 9; gets 1 9; echo count)"
is "a thousand keys" "$(values 1 1000)\n1000\nexit 0" <<< "$(sets 1 1000; gets 1 1000; echo count)"
is "a key set again after the table has grown is no new one" '500\nvalue number 7\nexit 0' <<< "$(sets 1 500; sets 1 500; echo count; gets 7 7)"
# With this hash, these keys want the same slot of eight: their last letters differ by eight.
is "others of the same slot survive a delete" '2\n3\n2\nexit 0' <<< $'set aa 1\nset ai 2\nset aq 3\ndel aa\nget ai\nget aq\ncount'
is "a key of the same slot is no second one after a delete" '9\n2\n(none)\nexit 0' <<< $'set aa 1\nset ai 2\nset aq 3\ndel aa\nset aq 9\nget aq\ncount\ndel aa'
is "a slot can be used again" '5\n6\n2\n3\nexit 0' <<< $'set aa 1\nset ai 2\nset aq 3\ndel aa\nset ay 5\nset aa 6\ndel ai\nset ai 2\nget ay\nget aa\nget ai\nget aq'
is "half of many keys deleted" "500\nvalue number 2\n(none)\nvalue number 1000\nexit 0" <<< "$(sets 1 1000; seq 1 2 999 | sed 's/^/del key/'; echo count; echo get key2; echo get key999; echo get key1000)"
is "deleting and setting over and over" 'last\n1\nexit 0' <<< "$(for i in $(seq 300); do echo "set k$i x"; echo "del k$i"; done; echo set end last; echo get end; echo count)"
is "setting one key over and over" 'v2000\nkept\nexit 0' <<< "$(echo set other kept; seq 2000 | sed 's/.*/set a v&/'; echo get a; echo get other)"
is "copies of a long value" "$(head -c 3000 /dev/zero | tr '\0' c)\n40\nexit 0" <<< "set k1 $(head -c 3000 /dev/zero | tr '\0' c)
$(for i in $(seq 2 40); do echo "copy k$((i - 1)) k$i"; done)
get k40
count"
is "copying a key to itself" 'x\n1\nexit 0' <<< "$(echo set a x; for i in $(seq 200); do echo copy a a; done; echo get a; echo count)"
is "copies while old texts are cleared away" 'x99\nexit 0' <<< "$(for i in $(seq 99); do echo "set a x$i"; echo copy a b; echo copy b c; done; echo get c)"
is "appending without end" "$(head -c 3000 /dev/zero | tr '\0' z)\nexit 0" <<< "$(for i in $(seq 30); do echo "append a $(head -c 100 /dev/zero | tr '\0' z)"; done; echo get a)"
is "keys of many" "$(seq 1 40 | sort | tr '\n' ' ' | sed 's/ $//; s/ /\\n/g')\nexit 0" <<< "$(seq 1 40 | sed 's/.*/set & x/'; echo keys)"

# 50 MB of values, one at a time, in 30 MB of address space; the sanitizer would need more.
program=../build/keyhold-plain
ulimit -v 30000
is "a key set over and over does not need memory for all of its values" 'done\nexit 0' < <(
    awk 'BEGIN { text = sprintf("%1000s", ""); gsub(" ", "v", text); for (i = 0; i < 50000; i++) print "set a " text; print "set a done"; print "get a" }')

echo "1..$number"
exit $failed
