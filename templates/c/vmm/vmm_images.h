/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's images, copied into its RAM once more: in pieces, since the VMM does it above all other guests. The first
 * time libvmm does (vmm_guest.h), which looks whether they are images and fit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sdfgen/vmm_config.h>

/* From the start. */
void vmm_images_begin(void);

/* The next piece, of 256 KiB at most; `entry_gpa` is where the kernel goes. True when there are no more. */
bool vmm_images_copy_piece(const struct vmm_guest *guest, uint64_t entry_gpa);
