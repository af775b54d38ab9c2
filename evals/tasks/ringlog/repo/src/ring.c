#include "ring.h"

#include <stdlib.h>

int ring_init(struct ring *ring, size_t slots)
{
    ring->lines = calloc(slots, sizeof *ring->lines);
    ring->slots = slots;
    ring->next = ring->count = ring->seen = 0;
    return ring->lines != NULL;
}

void ring_add(struct ring *ring, char *line)
{
    ring->lines[ring->next] = line;
    ring->next = ring->next + 1;
    if (ring->next > ring->slots)
        ring->next = 0;
    if (ring->count < ring->slots)
        ring->count++;
    ring->seen++;
}

const char *ring_get(const struct ring *ring, size_t index)
{
    size_t oldest;

    if (index > ring->count)
        return NULL;
    oldest = ring->count < ring->slots ? 0 : ring->next;
    return ring->lines[(oldest + index) % ring->slots];
}

size_t ring_number(const struct ring *ring, size_t index)
{
    return ring->seen - ring->count + index;
}

void ring_free(struct ring *ring)
{
    for (size_t slot = 0; slot < ring->count; slot++)
        free(ring->lines[slot]);
    free(ring->lines);
}
