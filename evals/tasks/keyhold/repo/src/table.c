#include "table.h"

#include <stdlib.h>
#include <string.h>

static size_t hash(const char *key)
{
    size_t sum = 5381;

    while (*key)
        sum = sum * 33 + (unsigned char)*key++;
    return sum;
}

/* The entry of `key`, or the empty one where it would go. */
static struct entry *find(const struct table *table, const char *key)
{
    size_t slot = hash(key) & (table->room - 1);

    while (table->entries[slot].key && strcmp(table->entries[slot].key, key) != 0)
        slot = (slot + 1) & (table->room - 1);
    return &table->entries[slot];
}

static int grow(struct table *table)
{
    size_t room = table->room ? table->room * 2 : 8;
    struct entry *entries = realloc(table->entries, room * sizeof *entries);

    if (!entries)
        return 0;
    memset(entries + table->room, 0, (room - table->room) * sizeof *entries);
    table->entries = entries;
    table->room = room;
    return 1;
}

static int compact(struct table *table)
{
    struct arena fresh = {0};

    for (size_t slot = 0; slot < table->room; slot++) {
        struct entry *entry = &table->entries[slot];

        if (!entry->key)
            continue;
        entry->key = arena_add(&fresh, entry->key, strlen(entry->key));
        entry->value = arena_add(&fresh, entry->value, strlen(entry->value));
        if (!entry->key || !entry->value)
            return 0;
    }
    arena_free(&table->arena);
    table->arena = fresh;
    return 1;
}

const char *table_get(const struct table *table, const char *key)
{
    return table->room ? find(table, key)->value : NULL;
}

int table_set(struct table *table, const char *key, const char *value)
{
    struct entry *entry;

    if (table->arena.dropped > table->arena.used / 2 && !compact(table))
        return 0;
    if (table->count == table->room && !grow(table))
        return 0;
    entry = find(table, key);
    if (entry->key) {
        arena_drop(&table->arena, entry->value);
    } else {
        entry->key = arena_add(&table->arena, key, strlen(key));
        table->count++;
    }
    entry->value = arena_add(&table->arena, value, strlen(value));
    return entry->key && entry->value;
}

int table_append(struct table *table, const char *key, const char *text)
{
    const char *old = table_get(table, key);
    char joined[256];

    strcpy(joined, old ? old : "");
    strcat(joined, text);
    return table_set(table, key, joined);
}

int table_delete(struct table *table, const char *key)
{
    struct entry *entry = table->room ? find(table, key) : NULL;

    if (!entry || !entry->key)
        return 0;
    arena_drop(&table->arena, entry->key);
    arena_drop(&table->arena, entry->value);
    entry->key = entry->value = NULL;
    table->count--;
    return 1;
}

static int compare(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

const char **table_keys(const struct table *table)
{
    const char **keys = malloc((table->count + 1) * sizeof *keys);
    size_t count = 0;

    for (size_t slot = 0; keys && slot < table->room; slot++)
        if (table->entries[slot].key)
            keys[count++] = table->entries[slot].key;
    if (keys)
        qsort(keys, count, sizeof *keys, compare);
    return keys;
}

void table_free(struct table *table)
{
    free(table->entries);
    arena_free(&table->arena);
}
