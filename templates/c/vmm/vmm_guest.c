/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <microkit.h>

#include <libvmm/libvmm.h>

#include <sdfgen/counters.h>
#include <sdfgen/pd_say.h>

#include "vmm_guest.h"
#include "vmm_images.h"
#include "vmm_vcpu.h"

static bool said(bool done, const char *failure)
{
    if (!done) {
        pd_say(failure, NULL);
    }
    return done;
}

bool vmm_guest_create(uint32_t vcpu_count, uint64_t ram_gpa, uint64_t ram_size_bytes, uintptr_t ram_vaddr)
{
    const arch_guest_init_t arguments = {
        .num_vcpus = vcpu_count,
        .num_guest_ram_regions = 1,
        .guest_ram_regions = {
            { .gpa_start = ram_gpa, .size = ram_size_bytes, .vmm_vaddr = (void *)ram_vaddr },
        },
    };
    if (!said(guest_init(arguments), "the guest can't be made")) {
        return false;
    }
    vmm_vcpus_create(vcpu_count);
    return true;
}

static size_t image_bytes(const char *image, const char *end)
{
    return (size_t)((uintptr_t)end - (uintptr_t)image);
}

static uint64_t entry_gpa;

bool vmm_guest_boot(uint64_t kernel_gpa, uint64_t dtb_gpa, uint64_t initrd_gpa)
{
    entry_gpa = linux_setup_images(
        kernel_gpa, (uintptr_t)_guest_kernel_image, image_bytes(_guest_kernel_image, _guest_kernel_image_end),
        (uintptr_t)_guest_dtb_image, dtb_gpa, image_bytes(_guest_dtb_image, _guest_dtb_image_end),
        (uintptr_t)_guest_initrd_image, initrd_gpa, image_bytes(_guest_initrd_image, _guest_initrd_image_end));
    if (!said(entry_gpa != 0, "the guest's images can't be placed")) {
        return false;
    }
    return vmm_guest_start_again(dtb_gpa, initrd_gpa);
}

uint64_t vmm_guest_entry_gpa(void)
{
    return entry_gpa;
}

bool vmm_guest_start_again(uint64_t dtb_gpa, uint64_t initrd_gpa)
{
    vmm_vcpu_note_started(GUEST_BOOT_VCPU_ID);
    return guest_start(entry_gpa, dtb_gpa, initrd_gpa);
}

void vmm_guest_stop(void)
{
    vmm_vcpus_stop();
    counters_add(0, COUNTERS_VMM_STOPS, 1);
    pd_say("the guest is stopped", NULL);
}
