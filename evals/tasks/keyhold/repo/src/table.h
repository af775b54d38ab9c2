#ifndef TABLE_H
#define TABLE_H
#include <stddef.h>

#include "arena.h"

struct entry {
    char *key; /* NULL: nothing here */
    char *value;
};

/* Begins as {0}. */
struct table {
    struct entry *entries;
    size_t room; /* a power of two, or 0 */
    size_t count;
    struct arena arena;
};

/* The value, or NULL. It stays where it is until the table is changed. */
const char *table_get(const struct table *table, const char *key);

/* `value` may be a text of the table itself. Returns 0 when there is no memory. */
int table_set(struct table *table, const char *key, const char *value);

/* Puts `text` behind the value. Returns 0 when there is no memory. */
int table_append(struct table *table, const char *key, const char *text);

/* Returns 0 when there is no such key. */
int table_delete(struct table *table, const char *key);

/* All keys, sorted, in an array from malloc; the keys stay the table's. */
const char **table_keys(const struct table *table);

void table_free(struct table *table);
#endif
