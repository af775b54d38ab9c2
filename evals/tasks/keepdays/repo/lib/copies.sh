# Copies of a folder.

# copies SOURCE STORE: paths of all copies, oldest first
copies() {
    ls -d $2/$(basename $1).* 2>/dev/null | sort
}

save() {
    local target
    if [ ! -d $1 ]; then
        echo "keepdays: not a folder: $1" >&2
        return 1
    fi
    target=$(copy_path $1 $2 $3)
    if [ $dry ]; then
        echo $target
        return
    fi
    mkdir -p $2
    cp -R $1 $target
}

list() {
    local copy
    for copy in $(copies $1 $2); do
        day_of $copy
    done
}

prune() {
    local copy extra
    extra=$(($(copies $1 $2 | wc -l) - $3))
    [ $extra -gt 0 ] || return 0
    for copy in $(copies $1 $2 | head -n $extra); do
        echo $copy
        [ $dry ] || rm -r $copy
    done
}
