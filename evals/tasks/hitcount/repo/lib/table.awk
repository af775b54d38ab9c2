# Prints COUNT <tab> ERRORS <tab> PATH as a table.

BEGIN { print "count  errors  path" }

{
    rest = $0
    sub(/^[0-9]+\t[0-9]+\t/, "", rest)
    printf "%5d  %6d  %s\n", $1, $2, rest
}
