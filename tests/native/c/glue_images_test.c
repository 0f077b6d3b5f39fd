/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's images, copied in pieces. */
#include <sdfgen/cache.h>
#include <sdfgen/vmm_config.h>

#include "unit.h"
#include "vmm_images.h"

#define RAM_GPA UINT64_C(0x40000000)
#define RAM_BYTES 0x400000u
#define PIECE_BYTES 0x40000u
#define KERNEL_OFFSET 0x80000u
#define DTB_OFFSET 0x300000u
#define INITRD_OFFSET 0x200003u

/* Of five bytes more than two pieces, of none, and of one piece and a half. */
#define IMAGE(name, size)                                                                            \
    __asm__(".pushsection .data\n"                                                                   \
            ".globl _guest_" name "_image\n_guest_" name "_image: .fill " size ", 1, 0x5a\n"         \
            ".globl _guest_" name "_image_end\n_guest_" name "_image_end: .byte 0\n"                 \
            ".popsection\n")
IMAGE("kernel", "0x80005");
IMAGE("dtb", "0");
IMAGE("initrd", "0x60000");

static uint8_t ram[RAM_BYTES];
static uint64_t cleaned_bytes;
static const struct vmm_guest guest = {
    .ram_gpa = RAM_GPA, .ram_vaddr = (uintptr_t)ram, .ram_size_bytes = RAM_BYTES, .kernel_gpa = RAM_GPA,
    .dtb_gpa = RAM_GPA + DTB_OFFSET, .initrd_gpa = RAM_GPA + INITRD_OFFSET,
};

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    CHECK(vaddr >= (uintptr_t)ram && size_bytes <= RAM_BYTES && vaddr - (uintptr_t)ram <= RAM_BYTES - size_bytes);
    CHECK(size_bytes > 0 && size_bytes <= PIECE_BYTES);
    cleaned_bytes += size_bytes;
}

static bool is_filled(uint64_t offset, uint64_t size_bytes)
{
    for (uint64_t i = 0; i < size_bytes; i++) {
        if (ram[offset + i] != 0x5a) {
            return false;
        }
    }
    return ram[offset - 1] == 0 && ram[offset + size_bytes] == 0;
}

static uint32_t copy_all(void)
{
    uint32_t pieces = 1;
    vmm_images_begin();
    for (uint64_t before = cleaned_bytes; !vmm_images_copy_piece(&guest, RAM_GPA + KERNEL_OFFSET); pieces++) {
        CHECK(cleaned_bytes - before == PIECE_BYTES && pieces < 10);
        before = cleaned_bytes;
    }
    return pieces;
}

static void every_byte_is_copied_in_pieces(void)
{
    CHECK(copy_all() == 4);
    CHECK(is_filled(KERNEL_OFFSET, 0x80005) && is_filled(INITRD_OFFSET, 0x60000));
    CHECK(cleaned_bytes == 0xe0005);
}

static void it_can_be_done_again(void)
{
    CHECK(copy_all() == 4);
    memset(ram, 0, sizeof(ram));
    vmm_images_begin();
    CHECK(!vmm_images_copy_piece(&guest, RAM_GPA + KERNEL_OFFSET));
    CHECK(copy_all() == 4 && is_filled(KERNEL_OFFSET, 0x80005) && is_filled(INITRD_OFFSET, 0x60000));
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(every_byte_is_copied_in_pieces),
        UNIT_TEST(it_can_be_done_again),
    };
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
