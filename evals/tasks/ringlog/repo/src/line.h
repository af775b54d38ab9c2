#ifndef LINE_H
#define LINE_H
#include <stdio.h>

/* The next line without its line feed, from malloc; NULL at the end of the file.
 * A last line without line feed counts. Bytes of 0 within a line are left out. */
char *line_read(FILE *file);
#endif
