/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest as libvmm makes and starts it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* First of all: at most VMM_MOST_VCPUS vCPUs, one region of RAM, the interrupt controller. False after a message. */
bool vmm_guest_create(uint32_t vcpu_count, uint64_t ram_gpa, uint64_t ram_size_bytes, uintptr_t ram_vaddr);

/*
 * Copies the three images that are linked in (vmm_images.h) to where they belong, and starts the guest's first vCPU.
 * False when one does not fit, after a message.
 */
bool vmm_guest_boot(uint64_t kernel_gpa, uint64_t dtb_gpa, uint64_t initrd_gpa);

/* Where the kernel went, which is where it begins. */
uint64_t vmm_guest_entry_gpa(void);

/* Starts the first vCPU once more, with the images where they belong. */
bool vmm_guest_start_again(uint64_t dtb_gpa, uint64_t initrd_gpa);

/* It can't go on: stops all its vCPUs, with a message. */
void vmm_guest_stop(void);
