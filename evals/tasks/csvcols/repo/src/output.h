#ifndef OUTPUT_H
#define OUTPUT_H
#include <stdio.h>

/* Writes one field, quoted where it has to be. */
void output_field(FILE *file, const char *field, char separator);
#endif
