/* Writes a mark of its own into each of two regions, for somebody who looks for them in the machine's memory. */
#include <microkit.h>
#include <stdint.h>

#define WORDS 16
#define SMALL_AT 0x10000000u
#define TOLD_AT 0x10001000u
#define MARK 0x5344464745534c34u

uintptr_t told_paddr;

static void mark(uintptr_t at, uint64_t mark)
{
    for (unsigned word = 0; word < WORDS; word++) {
        ((volatile uint64_t *)at)[word] = mark;
    }
}

void init(void)
{
    mark(SMALL_AT, MARK);
    mark(TOLD_AT, MARK ^ told_paddr);
    microkit_dbg_puts("mark: written\n");
}

void notified(microkit_channel channel)
{
    (void)channel;
}
