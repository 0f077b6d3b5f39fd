#include <stdint.h>

const uint64_t plain = 1;
const volatile uint64_t kept = 2;
__attribute__((weak)) const uint64_t weak = 3;
__attribute__((section(".placed"))) const uint64_t placed = 14;
const struct {
    volatile uint64_t kept;
    uint64_t plain;
} mixed = {4, 5};
const uint64_t table[4] = {6, 7, 8, 9};
static const uint64_t gone = 10;
extern const uint64_t elsewhere;
volatile uint64_t sum = 11;
uint64_t writable = 12;

void _start(void)
{
    sum = plain + kept + weak + mixed.kept + mixed.plain + table[sum] + gone + elsewhere + placed + writable;
    for (;;) {
    }
}
