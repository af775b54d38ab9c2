#include "output.h"

#include <string.h>

void output_field(FILE *file, const char *field, char separator)
{
    (void)separator;
    if (!strpbrk(field, ",\"\n")) {
        fputs(field, file);
        return;
    }
    fprintf(file, "\"%s\"", field);
}
