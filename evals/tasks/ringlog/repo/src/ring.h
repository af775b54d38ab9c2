#ifndef RING_H
#define RING_H
#include <stddef.h>

/* The last `slots` lines. The ring owns its lines. */
struct ring {
    char **lines;
    size_t slots;
    size_t next;  /* slot of the next line */
    size_t count; /* lines in the ring */
    size_t seen;  /* lines that were ever added */
};

int ring_init(struct ring *ring, size_t slots);

/* Takes over `line`, which came from malloc. The oldest line is freed when the ring is full. */
void ring_add(struct ring *ring, char *line);

/* Line `index`, 0 is the oldest; NULL when there is none. */
const char *ring_get(const struct ring *ring, size_t index);

/* Number of line `index` in the input, from 1. */
size_t ring_number(const struct ring *ring, size_t index);

void ring_free(struct ring *ring);
#endif
