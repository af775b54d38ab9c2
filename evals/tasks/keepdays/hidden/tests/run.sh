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
is "keep none" "$(run prune docs store 0 | wc -l)" 2

# A second time the same day.
rm -rf ./*; mkdir docs; echo old > docs/gone; run save docs store 2024-01-01
rm docs/gone; echo new > docs/file; run save docs store 2024-01-01
is "a day saved again is replaced" "$(tree)" "./docs ./docs/file ./store ./store/docs.2024-01-01 ./store/docs.2024-01-01/file "

# Blanks.
rm -rf ./*; mkdir "my docs"; echo x > "my docs/a file"
is "a source with a blank" "$(run save "my docs" "the store" 2024-01-01; cat "the store/my docs.2024-01-01/a file")" x
run save "my docs" "the store" 2024-01-02 >/dev/null
is "list with blanks" "$(run list "my docs" "the store" | tr '\n' ' ')" "2024-01-01 2024-01-02 "
is "prune with blanks" "$(run prune "my docs" "the store" 1)" "the store/my docs.2024-01-01"
is "what prune left" "$(tree)" "./my docs ./my docs/a file ./the store ./the store/my docs.2024-01-02 ./the store/my docs.2024-01-02/a file "

# Signs of the shell.
rm -rf ./*; mkdir "a*" ab; echo star > "a*/file"; echo plain > ab/file
run save "a*" store 2024-01-01 >/dev/null; run save ab store 2024-01-01 >/dev/null; run save ab store 2024-01-02 >/dev/null
is "a star in the name" "$(cat "store/a*.2024-01-01/file")" star
is "a star lists its own copies" "$(run list "a*" store)" "2024-01-01"
is "a star prunes its own copies" "$(run prune "a*" store 0; ls store | tr '\n' ' ')" "store/a*.2024-01-01
ab.2024-01-01 ab.2024-01-02 "
mkdir '$HOME;x'; run save '$HOME;x' store 2024-05-05 >/dev/null
is "a dollar sign and a semicolon" "$(run list '$HOME;x' store)" "2024-05-05"
mkdir ./-r; echo dash > ./-r/file
is "a name that begins with a dash" "$(run save -r store 2024-01-01; cat store/-r.2024-01-01/file; run list -r store)" "dash
2024-01-01"
line=$'two\nlines'; mkdir "$line"
run save "$line" store 2024-01-01 >/dev/null; run save "$line" store 2024-01-02 >/dev/null
is "a line break in the name" "$(run list "$line" store | tr '\n' ' ')" "2024-01-01 2024-01-02 "
is "a line break in what is pruned" "$(run prune "$line" store 1)" "store/two
lines.2024-01-01"
is "a line break: the newest is left" "$(run list "$line" store)" "2024-01-02"

# Other folders whose names begin alike.
rm -rf ./*; mkdir docs docs.old; echo x > docs/file
run save docs store 2024-01-01 >/dev/null; run save docs.old store 2023-01-01 >/dev/null; run save docs.old store 2023-01-02 >/dev/null
mkdir store/docs.2024-01-01.bak store/docs.notes
is "copies of others are not listed" "$(run list docs store)" "2024-01-01"
is "copies of others are not pruned" "$(run prune docs store 1)" ""
is "nor by their own name" "$(run prune docs.old store 1)" "store/docs.old.2023-01-01"
is "a slash at the end of the source" "$(run list docs/ store/ | tr '\n' ' ')" "2024-01-01 "

# Trying.
rm -rf ./*; mkdir "my docs"
is "-n save" "$(run -n save "my docs" store 2024-01-01; tree)" "store/my docs.2024-01-01
./my docs "
run save "my docs" store 2024-01-01 >/dev/null
is "-n prune" "$(run -n prune "my docs" store 0; tree)" "store/my docs.2024-01-01
./my docs ./store ./store/my docs.2024-01-01 "
is "nothing there yet" "$(run list "my docs" none; run prune "my docs" none 1)" ""
is "an empty argument" "$(run list "my docs" | tail -n 1)" "exit 2"
is "the program in a folder with a blank" "$(mkdir "bin here"; cp -R "$(dirname "$program")/../bin" "$(dirname "$program")/../lib" "bin here/"; bash "bin here/bin/keepdays" list "my docs" store)" "2024-01-01"

echo "1..$number"
exit $failed
