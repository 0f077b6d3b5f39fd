#include <stdint.h>

typedef volatile uint64_t address;
enum colour { RED, GREEN };
struct client {
    address io_addr;
    uint32_t size_bytes;
    uint16_t tag;
    unsigned flag : 3;
};
struct config {
    uint32_t magic;
    union {
        uint64_t whole;
        uint32_t half;
    };
    struct client clients[3];
    const uint64_t grid[2][4];
    void *pointer;
    double ratio;
    enum colour colour;
    uint64_t open[];
};

struct config config = {.magic = 7, .ratio = 0.5};
volatile uint64_t base_a = 0x1111222233334444;
volatile uint64_t base_b = 0x5555666677778888;
volatile uint32_t small = 9;
volatile uint8_t tiny = 1;
volatile uint64_t pair[2] = {1, 2};
const volatile uint64_t read_only = 42;
volatile uint64_t zero;
volatile uint64_t *pointer = &zero;
static volatile uint64_t twice = 1;
_Thread_local uint64_t per_thread = 3;
extern uint64_t nowhere __attribute__((weak));

__asm__(".globl label\n.data\nlabel: .quad 5\n"
        ".globl absolute\n.set absolute, 0x1000\n.type absolute, %object\n.size absolute, 8\n"
        ".globl inner\n.set inner, base_a + 4\n.type inner, %object\n.size inner, 8\n"
        ".section .unloaded, \"\", %progbits\n.globl unloaded\n.type unloaded, %object\n"
        ".size unloaded, 8\nunloaded: .quad 6\n.text\n");

uint64_t other(void);

void _start(void)
{
    zero = base_a + base_b + small + tiny + pair[0] + read_only + *pointer + twice + config.magic + other();
    zero += (uint64_t)&nowhere;
    for (;;) {
    }
}
