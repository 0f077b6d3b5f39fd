#include <stdint.h>
#include <stdio.h>

struct region {
    uint64_t paddr;
    uint64_t size_bytes;
};
struct region regions[2] = {{.size_bytes = 0x1000}, {.size_bytes = 0x2000}};
volatile uint64_t data_paddr = 1;

int main(void)
{
    volatile struct region *second = &regions[1];
    printf("%#llx %#llx\n", (unsigned long long)data_paddr, (unsigned long long)second->paddr);
    return 0;
}
