/*
 * A client as sDDF 0.7 has them: it is told of its disk in a structure of a section of its own, and prints that.
 * The tests define what is in the others' place: types of another version, another section, a magic.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#ifndef BUFFERS
#define BUFFERS uint16_t num_buffers
#endif
#ifndef SECTION
#define SECTION ".blk_client_config"
#endif
#ifndef FIRST
#define FIRST
#endif
#ifndef MORE
#define MORE
#endif
#ifndef QUALIFIED
#define QUALIFIED
#endif

struct range {
    void *vaddr;
    uint64_t size;
};

struct link {
    struct range storage_info;
    struct range req_queue;
    struct range resp_queue;
    BUFFERS;
    uint8_t id;
};

struct client {
    char magic[5];
    struct link virt;
    struct range data;
};

#define TOLD __attribute__((section(SECTION), used))
TOLD QUALIFIED struct client told FIRST;
MORE;

/* What the tool writes a domain's name and ports into. */
char microkit_name[64] __attribute__((used)) = "x";
uint64_t microkit_ioports __attribute__((used));

static void print(const char *name, const struct range *range)
{
    printf("%s %" PRIx64 " %" PRIx64 "\n", name, (uint64_t)(uintptr_t)range->vaddr, range->size);
}

int main(void)
{
    struct client *client = (struct client *)&told;

    __asm__ volatile("" : "+r"(client) : "r"(microkit_name), "r"(&microkit_ioports) : "memory");
    for (int i = 0; i < 5; i++) {
        printf("%02x", (unsigned)client->magic[i]);
    }
    printf("\n");
    print("info", &client->virt.storage_info);
    print("requests", &client->virt.req_queue);
    print("responses", &client->virt.resp_queue);
    print("data", &client->data);
    printf("%u %u\n", (unsigned)client->virt.num_buffers, (unsigned)client->virt.id);
    return 0;
}
