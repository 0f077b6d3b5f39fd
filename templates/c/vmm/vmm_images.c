/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_images.h"

#include <sdfgen/cache.h>
#include <sdfgen/mem.h>
#include <sdfgen/vmm_config.h>

#define PIECE_BYTES 0x40000u
#define IMAGES 3u

static uint32_t image;
static uint64_t done_bytes; /* of that one */

void vmm_images_begin(void)
{
    image = 0;
    done_bytes = 0;
}

/* The guest boots with its caches off. */
static void copy(uintptr_t to, const char *from, uint64_t size_bytes)
{
    if (size_bytes != 0) {
        memcpy((void *)to, from, size_bytes);
        cache_clean_range(to, size_bytes);
    }
}

bool vmm_images_copy_piece(const struct vmm_guest *guest, uint64_t entry_gpa)
{
    const struct {
        const char *first;
        const char *end;
        uint64_t gpa;
    } images[IMAGES] = {
        { _guest_kernel_image, _guest_kernel_image_end, entry_gpa },
        { _guest_dtb_image, _guest_dtb_image_end, guest->dtb_gpa },
        { _guest_initrd_image, _guest_initrd_image_end, guest->initrd_gpa },
    };
    uint64_t room_bytes = PIECE_BYTES;
    while (image < IMAGES && room_bytes > 0) {
        const uint64_t left_bytes = (uintptr_t)images[image].end - (uintptr_t)images[image].first - done_bytes;
        const uint64_t bytes = left_bytes < room_bytes ? left_bytes : room_bytes;
        copy(guest->ram_vaddr + (images[image].gpa - guest->ram_gpa) + done_bytes, images[image].first + done_bytes,
             bytes);
        room_bytes -= bytes;
        done_bytes = bytes < left_bytes ? done_bytes + bytes : 0;
        image += bytes == left_bytes;
    }
    return image == IMAGES;
}
