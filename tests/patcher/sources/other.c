#include <stdint.h>

static volatile uint64_t twice = 2;

uint64_t other(void)
{
    return twice;
}
