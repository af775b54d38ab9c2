#include "columns.h"

#include <stdlib.h>
#include <string.h>

size_t columns_parse(const char *text, size_t **columns)
{
    size_t count = 0;
    char *end;

    *columns = malloc((strlen(text) + 1) * sizeof **columns);
    while (*columns && *text >= '0' && *text <= '9') {
        unsigned long number = strtoul(text, &end, 10);

        if (number == 0)
            return 0;
        (*columns)[count++] = number;
        if (*end == '\0')
            return count;
        text = *end == ',' ? end + 1 : "";
    }
    return 0;
}
