#include "record.h"

#include <stdlib.h>

static int put(struct record *record, int c)
{
    if (record->length == record->size) {
        size_t size = record->size ? record->size * 2 : 256;
        char *text = realloc(record->text, size);

        if (!text)
            return 0;
        record->text = text;
        record->size = size;
    }
    record->text[record->length++] = (char)c;
    return 1;
}

static int start(struct record *record)
{
    if (record->fields == record->room) {
        size_t room = record->room ? record->room * 2 : 16;
        size_t *starts = realloc(record->starts, room * sizeof *starts);

        if (!starts)
            return 0;
        record->starts = starts;
        record->room = room;
    }
    record->starts[record->fields++] = record->length;
    return 1;
}

enum status record_read(struct record *record, FILE *file, char separator)
{
    int quoted = 0, c = getc(file);

    record->length = record->fields = 0;
    if (c == EOF)
        return END;
    if (!start(record))
        return NO_MEMORY;
    for (;; c = getc(file)) {
        if (c == '"') {
            quoted = !quoted;
        } else if (c == EOF || c == '\n') {
            return put(record, 0) ? ROW : NO_MEMORY;
        } else if (c == separator && !quoted) {
            if (!put(record, 0) || !start(record))
                return NO_MEMORY;
        } else if (!put(record, c)) {
            return NO_MEMORY;
        }
    }
}

const char *record_field(const struct record *record, size_t column)
{
    return column <= record->fields ? record->text + record->starts[column - 1] : "";
}

void record_free(struct record *record)
{
    free(record->text);
    free(record->starts);
}
