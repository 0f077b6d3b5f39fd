#include <stdint.h>

const uint64_t elsewhere = 13;
