#include <stdbool.h>
#include <stdint.h>

typedef uint32_t row[3];
enum mode { OFF, ON };
struct client {
    uint64_t base;
    bool on;
    enum mode mode;
    int low : 3;
    union {
        uint64_t whole;
        uint32_t halves[2];
    } both;
    struct {
        uint16_t inner;
    };
    uint64_t *pointer;
    double ratio;
    char name[8];
};
struct config {
    char magic[4];
    struct client clients[2];
    row grid[2];
    uint8_t mac[6];
    char names[2][4];
    uint16_t rest[];
};

__attribute__((section(".blk_client_config"))) struct config config = {.magic = "CFG", .rest = {1, 2}};
__attribute__((section(".two"))) volatile uint64_t first = 1;
__attribute__((section(".two"))) volatile uint64_t second = 2;
__asm__(".section .empty, \"aw\"\n.quad 1\n.text\n");
volatile uint64_t numbers[4] = {1, 2, 3, 4};
volatile uint32_t alone = 5;
char text[8] = "old";

void _start(void)
{
    alone = (uint32_t)(config.clients[1].base + first + second + numbers[alone] + (uint64_t)text[alone]);
    for (;;) {
    }
}
