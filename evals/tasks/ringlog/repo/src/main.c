#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "ring.h"

static int usage(void)
{
    fputs("ringlog: usage: ringlog [-n] COUNT, with a COUNT of 1 or more\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    int numbers = argc > 1 && strcmp(argv[1], "-n") == 0;
    const char *text = argc == 2 + numbers ? argv[1 + numbers] : "";
    char *end, *line;
    long count = strtol(text, &end, 10);
    struct ring ring;

    if (count < 1 || *end)
        return usage();
    if (!ring_init(&ring, (size_t)count))
        return 1;
    while ((line = line_read(stdin)))
        ring_add(&ring, line);
    for (size_t index = 0; index < ring.count; index++) {
        if (numbers)
            printf("%zu: ", ring_number(&ring, index));
        puts(ring_get(&ring, index));
    }
    ring_free(&ring);
    return 0;
}
