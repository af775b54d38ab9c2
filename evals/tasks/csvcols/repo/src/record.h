#ifndef RECORD_H
#define RECORD_H
#include <stddef.h>
#include <stdio.h>

/* One row. `text` holds the fields one after the other, each with a 0 at its end. */
struct record {
    char *text;
    size_t length, size;
    size_t *starts; /* where each field begins in `text` */
    size_t fields, room;
};

enum status { ROW, END, OPEN_QUOTE, NO_MEMORY };

/* Reads the next row over what was in `record`, which begins as {0}. */
enum status record_read(struct record *record, FILE *file, char separator);

/* Field `column`, from 1; "" when the row does not have it. */
const char *record_field(const struct record *record, size_t column);

void record_free(struct record *record);
#endif
