#ifndef ARENA_H
#define ARENA_H
#include <stddef.h>

/* Texts one after the other in one block. */
struct arena {
    char *block;
    size_t used, size;
    size_t dropped; /* bytes of texts that are not used any more */
};

/* Copies a text of `length` bytes, and a 0, into the arena. NULL when there is no memory. */
char *arena_add(struct arena *arena, const char *text, size_t length);

/* Says that a text of the arena is not used any more. */
void arena_drop(struct arena *arena, const char *text);

void arena_free(struct arena *arena);
#endif
