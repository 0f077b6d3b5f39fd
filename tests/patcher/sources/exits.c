#include <stdint.h>

volatile uint64_t status = 1;

void _start(void)
{
#if defined(__aarch64__)
    register uint64_t number __asm__("x8") = 93;
    register uint64_t argument __asm__("x0") = status;
    __asm__ volatile("svc 0" : : "r"(number), "r"(argument));
#else
    __asm__ volatile("syscall" : : "a"(60), "D"(status) : "rcx", "r11", "memory");
#endif
    for (;;) {
    }
}
