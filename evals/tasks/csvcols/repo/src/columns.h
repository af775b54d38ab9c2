#ifndef COLUMNS_H
#define COLUMNS_H
#include <stddef.h>

/* Reads "3,1" into an array from malloc. Returns how many there are, 0 when the text is no such list. */
size_t columns_parse(const char *text, size_t **columns);
#endif
