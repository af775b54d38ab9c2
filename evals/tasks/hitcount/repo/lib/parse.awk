# Reads log lines, prints COUNT <tab> ERRORS <tab> PATH for each path, in no order.

{
    start = index($0, "\"")
    end = 0
    for (i = length($0); i > start; i--)
        if (substr($0, i, 1) == "\"") {
            end = i
            break
        }
    before = split(substr($0, 1, start - 1), head, " ")
    after = split(substr($0, end + 1), tail, " ")
    if (!start || !end || before != 2 || after != 1 || tail[1] !~ /^[0-9][0-9][0-9]$/) {
        skipped++
        next
    }
    if (method != "" && head[2] != method)
        next
    path = unescape(substr($0, start + 1, end - start - 1))
    count[path]++
    if (tail[1] >= 400)
        errors[path]++
}

END {
    for (path in count)
        printf "%d\t%d\t%s\n", count[path], errors[path], path
    if (skipped)
        print "hitcount: " skipped " lines were not understood" > "/dev/stderr"
}

# \" becomes ", \\ becomes \
function unescape(text,    result, i, c) {
    result = ""
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "\\")
            c = substr(text, ++i, 1)
        result = result c
    }
    return result
}
