/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's images, copied into its RAM once more: in pieces, since the VMM does it above all other guests. The first
 * time libvmm does (vmm_guest.h), which looks whether they are images and fit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Those that are linked in. */
extern char _guest_kernel_image[];
extern char _guest_kernel_image_end[];
extern char _guest_dtb_image[];
extern char _guest_dtb_image_end[];
extern char _guest_initrd_image[];
extern char _guest_initrd_image_end[];

/* Not its header: vmm_guest.c sees libvmm's, which has another structure of that name (vmm_trap.h). */
struct vmm_guest;

/* From the start. */
void vmm_images_begin(void);

/* The next piece, of 256 KiB at most; `entry_gpa` is where the kernel goes. True when there are no more. */
bool vmm_images_copy_piece(const struct vmm_guest *guest, uint64_t entry_gpa);
