#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* Cuts the first word off `*rest`. */
static char *word(char **rest)
{
    char *found = *rest + strspn(*rest, " ");

    *rest = found + strcspn(found, " ");
    if (**rest)
        *(*rest)++ = '\0';
    return found;
}

static int print_keys(const struct table *table)
{
    const char **keys = table_keys(table);

    if (!keys)
        return 0;
    for (size_t i = 0; i < table->count; i++)
        puts(keys[i]);
    free(keys);
    return 1;
}

static int copy(struct table *table, const char *from, const char *to)
{
    const char *value = table_get(table, from);

    if (value)
        return table_set(table, to, value);
    puts("(none)");
    return 1;
}

/* Returns 0 when there is no memory. */
static int obey(struct table *table, const char *command, char *rest)
{
    if (strcmp(command, "count") == 0)
        return printf("%zu\n", table->count) > 0;
    if (strcmp(command, "keys") == 0)
        return print_keys(table);
    char *key = word(&rest);

    if (strcmp(command, "set") == 0)
        return table_set(table, key, rest);
    if (strcmp(command, "append") == 0)
        return table_append(table, key, rest);
    if (strcmp(command, "copy") == 0)
        return copy(table, key, word(&rest));
    if (strcmp(command, "get") == 0) {
        const char *value = table_get(table, key);
        puts(value ? value : "(none)");
    } else if (strcmp(command, "del") == 0) {
        if (!table_delete(table, key))
            puts("(none)");
    } else {
        printf("? %s\n", command);
    }
    return 1;
}

int main(void)
{
    struct table table = {0};
    char *line = NULL;
    size_t size = 0;
    int good = 1;
    ssize_t length;

    while (good && (length = getline(&line, &size, stdin)) > 0) {
        char *rest = line, *command;

        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        command = word(&rest);
        if (*command)
            good = obey(&table, command, rest);
    }
    free(line);
    table_free(&table);
    if (!good)
        fputs("keyhold: no memory\n", stderr);
    return !good;
}
