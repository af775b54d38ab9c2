#include "line.h"

#include <stdlib.h>

char *line_read(FILE *file)
{
    size_t size = 64, length = 0;
    char *line = malloc(size);
    int c;

    while (line && (c = getc(file)) != EOF && c != '\n') {
        if (c == 0)
            continue;
        if (length == size) {
            char *larger = realloc(line, size *= 2);

            if (!larger)
                break;
            line = larger;
        }
        line[length++] = (char)c;
    }
    if (line && length == 0 && feof(file)) {
        free(line);
        return NULL;
    }
    if (line)
        line[length] = '\0';
    return line;
}
