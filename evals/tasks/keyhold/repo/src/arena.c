#include "arena.h"

#include <stdlib.h>
#include <string.h>

char *arena_add(struct arena *arena, const char *text, size_t length)
{
    char *place;

    if (arena->used + length + 1 > arena->size) {
        size_t size = (arena->used + length + 1) * 2;
        char *block;

        if (size < 512)
            size = 512;
        block = realloc(arena->block, size);

        if (!block)
            return NULL;
        arena->block = block;
        arena->size = size;
    }
    place = arena->block + arena->used;
    memcpy(place, text, length);
    place[length] = '\0';
    arena->used += length + 1;
    return place;
}

void arena_drop(struct arena *arena, const char *text)
{
    arena->dropped += strlen(text) + 1;
}

void arena_free(struct arena *arena)
{
    free(arena->block);
}
