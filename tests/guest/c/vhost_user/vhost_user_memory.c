/* SPDX-License-Identifier: BSD-2-Clause */
#include "vhost_user_memory.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool map_region(struct vhost_user_memory *memory, const struct vhost_user_region *region, int fd)
{
    size_t size_bytes = (size_t)(region->mmap_offset + region->size_bytes);
    void *base = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) {
        return false;
    }
    memory->mappings[memory->mapping_count++] = (struct vhost_user_mapping){base, size_bytes, *region};
    return guest_ram_add(&memory->ram, region->gpa, region->size_bytes, (uint8_t *)base + region->mmap_offset);
}

bool vhost_user_memory_set(struct vhost_user_memory *memory, struct vhost_user_message *message)
{
    const struct vhost_user_memory_table *table = &message->payload.memory;
    vhost_user_memory_clear(memory);
    bool sound = table->count <= VHOST_USER_MAX_REGIONS && table->count == message->fd_count;
    for (uint32_t i = 0; sound && i < table->count; i++) {
        sound = map_region(memory, &table->regions[i], message->fds[i]);
    }
    if (!sound) {
        vhost_user_memory_clear(memory);
    }
    return sound;
}

void vhost_user_memory_clear(struct vhost_user_memory *memory)
{
    for (uint32_t i = 0; i < memory->mapping_count; i++) {
        (void)munmap(memory->mappings[i].base, memory->mappings[i].size_bytes);
    }
    memset(memory, 0, sizeof(*memory));
}

bool vhost_user_memory_gpa(const struct vhost_user_memory *memory, uint64_t user, uint64_t *gpa)
{
    for (uint32_t i = 0; i < memory->mapping_count; i++) {
        const struct vhost_user_region *region = &memory->mappings[i].region;
        if (user - region->user < region->size_bytes) {
            *gpa = region->gpa + (user - region->user);
            return true;
        }
    }
    return false;
}
