#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "output.h"
#include "record.h"

static int fail(const char *message)
{
    fprintf(stderr, "csvcols: %s\n", message);
    return 2;
}

static void write_row(const struct record *record, const size_t *columns, size_t count, char separator)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            putchar(separator);
        output_field(stdout, record_field(record, columns[i]), separator);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    int tabs = argc > 1 && strcmp(argv[1], "-t") == 0;
    char separator = tabs ? '\t' : ',';
    struct record record = {0};
    enum status status;
    size_t *columns, count;

    if (argc != 2 + tabs)
        return fail("usage: csvcols [-t] COLUMNS < FILE");
    count = columns_parse(argv[1 + tabs], &columns);
    if (count > 0)
        while ((status = record_read(&record, stdin, separator)) == ROW)
            write_row(&record, columns, count, separator);
    free(columns);
    record_free(&record);
    if (count == 0)
        return fail("columns are numbers from 1, with commas");
    if (status == OPEN_QUOTE)
        return fail("a quote is never closed");
    return status == END ? 0 : 1;
}
