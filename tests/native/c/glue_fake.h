/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Microkit (glue_microkit.c), libvmm and a guest (glue_libvmm.c) as far as a PD can tell: calls are recorded, and
 * interrupts go through a model of the virtual interrupt controller that drops what is disabled, as libvmm's does. An
 * interrupt that is injected while the guest still has it, which libvmm would lose, fails the test.
 */
#pragma once

#include <microkit.h>

#include "unit.h"

#define FAKE_LOG_BYTES 4096u
#define FAKE_INTIDS 256u
#define FAKE_TIMER_INTID 27u
#define FAKE_VCPUS 4u
#define FAKE_PRIORITY 60u /* of vCPUs, as generated tables have it */
#define FAKE_TICKS_IN_MS UINT64_C(62500)

/* A vCPU, as the kernel has it. */
struct fake_vcpu {
    bool suspended;
    bool is_fixed;          /* the kernel refuses to suspend and to resume it, and to give it another priority */
    bool took;              /* the interrupt of its first list register: the kernel does not let that be filled */
    uint32_t suspend_count; /* times that it was suspended and resumed */
    uint32_t resume_count;
    uint32_t start_count;
    uint32_t below; /* how much its priority is lower than Microkit has set it */
    uint32_t priority_count; /* times that it was set */
    uint64_t affinity;
    uint64_t entry_gpa; /* where it was started last, with that in x0 */
    uint64_t context;
    uint64_t control; /* SCTLR */
    uint64_t timer_control; /* its virtual timer: CNTV_CTL, CNTV_CVAL */
    uint64_t timer_due_ticks;
    uint32_t timer_acknowledged_count;
};

struct fake {
    char log[FAKE_LOG_BYTES];     /* calls, in order, a word each */
    char console[FAKE_LOG_BYTES];
    uint32_t puts_count; /* what the console holds came in as many pieces */
    uint32_t notified_count[MICROKIT_MAX_CHANNELS];
    uint32_t acknowledged_count[MICROKIT_MAX_CHANNELS];
    uint64_t now_ticks; /* the physical counter */
    uint64_t look_ticks; /* that pass each time that it is looked at */
    struct fake_vcpu vcpus[FAKE_VCPUS];
    uint32_t vcpu; /* which does what the guest does */
    uint32_t refused_count; /* injections that libvmm would print about */
    bool guest_init_fails;
    uint32_t parked_count; /* list registers filled with what is never delivered */
    bool images_do_not_fit;
    uint64_t ram_gpa;
    uint64_t ram_bytes;
    uintptr_t ram_vaddr;
    uint64_t entry_gpa; /* what guest_start was told */
    uint64_t dtb_gpa;
    uint64_t initrd_gpa;
    size_t image_bytes[3]; /* kernel, device tree, initial RAM disk */
    void (*at_start)(void); /* called by guest_start */
};

extern struct fake fake;

/* Of one interrupt, what the guest's interrupt controller has: of an INTID below 32, for the vCPU that acts. */
bool fake_registered(uint32_t intid);
bool fake_held(uint32_t intid);
uint32_t fake_injected(uint32_t intid);
/* Which vCPU has it. */
bool fake_held_by(uint32_t vcpu, uint32_t intid);

/* Memory at an address of a generated table, zeroed. */
void *fake_map(uintptr_t address, size_t size_bytes);

/* All notifications that were sent. */
uint32_t fake_notifications(void);

/* What a guest does, which runs. False when its VMM did not answer: it stands still. */
bool guest_store(uint64_t gpa, uint32_t width_bytes, uint64_t value);
bool guest_store_zero_register(uint64_t gpa, uint32_t width_bytes);
bool guest_load(uint64_t gpa, uint32_t width_bytes, uint64_t *value);
/* `before` is what the register held; into_64: x rather than w register; sign_extend: ldrsb, ldrsh, ldrsw. */
bool guest_load_into(uint64_t gpa, uint32_t width_bytes, uint64_t before, bool into_64, bool sign_extend,
                     uint64_t *value);
bool guest_load_zero_register(uint64_t gpa, uint32_t width_bytes);
/* An instruction whose syndrome says nothing, such as a store of two registers. */
bool guest_access_without_syndrome(uint64_t gpa);
/* Stores to the distributor, of one bit. */
bool guest_enable(uint32_t intid);
bool guest_disable(uint32_t intid);
/* The guest ends the interrupt that it has. */
bool guest_end(uint32_t intid);
bool guest_timer_fires(void);
/* A call of the firmware with that function identifier. */
bool guest_calls(uint64_t function);
/* The same with arguments, which returns: what it returns. */
int64_t guest_call_returns(uint64_t function, uint64_t first, uint64_t second, uint64_t third);
/* A move of that register's value to a system register, with the syndrome that says which. */
bool guest_moves(uint64_t iss, uint64_t value);
/* An end of the interrupt in a list register in which libvmm knows of none. */
bool guest_ends_in(uint32_t list_register);
/* It runs the instructions that it was restarted at, which end the interrupt that it took and call. */
bool guest_ends_what_it_took(void);
/* It waits: suspended, and not answered. */
bool guest_rests(void);
/* It executes WFI, and is answered. */
bool guest_waits_in_vain(void);
/* Any other fault, which libvmm handles. */
bool guest_waits_for_event(void);
