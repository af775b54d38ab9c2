# Runs the program in a scratch folder and compares what it prints and leaves. Output is TAP.
program=$(cd "$(dirname "$0")/.." && pwd)/bin/keepdays
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
number=0
failed=0

# is NAME GOT WANTED
is() {
    number=$((number + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        printf 'got:\n%s\nwanted:\n%s\n' "$2" "$3" | head -n 20 | sed 's/^/#   /'
        failed=1
    fi
}

# run ARGUMENT...: what the program prints, with its exit code when that is not 0
run() {
    timeout 5 bash "$program" "$@" 2>&1 || echo "exit $?"
}

# tree: all that is in the scratch folder
tree() {
    find . -mindepth 1 | LC_ALL=C sort | tr '\n' ' '
}

mkdir docs && echo one > docs/file
is "save prints nothing" "$(run save docs store 2024-01-01)" ""
is "save copies" "$(cat store/docs.2024-01-01/file)" one
run save docs store 2024-01-03 >/dev/null
run save docs store 2024-01-02 >/dev/null
is "list" "$(run list docs store | tr '\n' ' ')" "2024-01-01 2024-01-02 2024-01-03 "
is "prune prints what goes" "$(run prune docs store 2)" "store/docs.2024-01-01"
is "prune removes the oldest" "$(run list docs store | tr '\n' ' ')" "2024-01-02 2024-01-03 "
is "nothing to prune" "$(run prune docs store 2)" ""
is "not a folder" "$(run save none store 2024-01-01)" "keepdays: not a folder: none
exit 1"
is "a wrong day" "$(run save docs store today | tail -n 1)" "exit 2"

echo "1..$number"
exit $failed
