/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of guest-physical addresses where nothing is mapped: what the guest loads and stores there is emulated.
 *
 * libvmm's headers and sDDF's use names of ours for other things (struct guest_ram_region, struct virtq, struct
 * vmm_config), so no file that includes them includes those of ours, nor does a header here include theirs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <microkit.h>

/*
 * Of a data abort's syndrome (VMM_ISS_VALID): how wide the access is, whether its register is the zero register, and
 * what a store stores, zero-extended.
 */
uint32_t vmm_trap_width_bytes(uint64_t syndrome);
bool vmm_trap_is_zero_register(uint64_t syndrome);
uint64_t vmm_trap_stored(seL4_UserContext *registers, uint64_t syndrome);

/* What a load loads, zero-extended: into its register, extended as the instruction says. */
void vmm_trap_loaded(seL4_UserContext *registers, uint64_t syndrome, uint64_t value);

/* What does it. `width_bytes` is 1, 2, 4 or 8, `offset` may be any in the range. */
struct vmm_trap {
    /* The value, zero-extended. False stops the guest. */
    bool (*read)(void *owner, uint64_t offset, uint32_t width_bytes, uint64_t *value);
    bool (*write)(void *owner, uint64_t offset, uint32_t width_bytes, uint64_t value);
    void *owner;
};

/*
 * Emulates [gpa, gpa + size_bytes); after vmm_guest_create(). `trap` must stay. False when libvmm has no room, or part
 * of the range is taken.
 */
bool vmm_trap_register(uint64_t gpa, uint64_t size_bytes, const struct vmm_trap *trap);
