# Names of copies: STORE/NAME.YYYY-MM-DD

is_day() {
    [[ $1 == [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] ]]
}

is_count() {
    [[ $1 =~ ^[0-9]+$ ]]
}

# copy_path SOURCE STORE DAY
copy_path() {
    echo $2/$(basename $1).$3
}

# day_of PATH: the day at the end of a copy's path
day_of() {
    echo ${1##*.}
}
