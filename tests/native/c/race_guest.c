/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest with a disk and the VMM that plays it: the product's vmm_virtio_blk.c. The guest's driver does what virtio
 * says: it suppresses interrupts while it looks at what was used, and kicks only where it is asked to.
 */
#include <stdio.h>
#include <string.h>

#include <microkit.h>

#include <sdfgen/counter.h>
#include <sdfgen/pd_say.h>
#include <sdfgen/shared.h>
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_virtio_blk.h>

#include "race_internal.h"

#define RAM_GPA 0x40000000u
#define AVAIL 0x2000u
#define USED 0x3000u
#define HEADERS 0x5000u /* 16 bytes for each chain, and its data after those */
#define DATA 0x8000u
#define DATA_BYTES 0x1000u
#define MOST_CHAINS 128u
#define RAM_BYTES (DATA + MOST_CHAINS * 2 * DATA_BYTES)

_Alignas(4096) static uint8_t ram[RAM_BYTES];
_Alignas(4096) static volatile uint32_t page[1024];
static struct vmm_virtio_blk state;
static struct vmm_virtio_blk_config config;
static struct vmm_device device;

const struct vmm_config vmm_config = { .devices = &device, .device_count = 1 };
static const struct vmm_guest guest = {
    .ram_gpa = RAM_GPA, .ram_vaddr = (uintptr_t)ram, .ram_size_bytes = sizeof(ram)
};

/* ---- The VMM ---- */

/* Whether the VMM looks at the ring when the guest exits: else only when it is told, which has to be enough. */
static bool exits;
/* Whether it takes no new requests where it is told of answers. */
static bool owes;

/* A store that traps: the guest's vCPU stands still until it has been answered. */
static struct {
    uint64_t offset;
    uint32_t value;
} trapped;

void microkit_notify(microkit_channel channel)
{
    (void)channel;
    party_notify(PARTY_VIRT, UINT64_C(1) << CHANNEL_CLIENT);
}

void pd_say(const char *what, const char *detail)
{
    (void)detail;
    race_fail(what);
}

/* Time stands still: no two looks are far apart, so that kicks are never asked for out of caution. */
uint64_t counter_ticks(void)
{
    return 1;
}

uint64_t counter_hz(void)
{
    return 0;
}

void race_vmm_body(void)
{
    const struct vmm_device_kind *kind = &vmm_virtio_blk_kind;
    for (;;) {
        uint64_t bits = party_wait();
        if ((bits & VMM_BLOCK) != 0) {
            kind->notified(&device, owes);
        }
        if ((bits & VMM_TRAP) != 0) {
            (void)kind->write(&device, trapped.offset, sizeof(uint32_t), trapped.value);
        }
        if ((bits & VMM_KICK) != 0) {
            (void)kind->write(&device, VIRTIO_MMIO_QUEUE_NOTIFY, sizeof(uint32_t), 0);
        }
        if (exits && (bits & (VMM_TRAP | VMM_KICK | VMM_EXIT)) != 0) {
            kind->exited(&device, (bits & VMM_EXIT) != 0);
        }
        if (kind->level(&device)) {
            party_notify(PARTY_GUEST, GUEST_IRQ);
        }
        if ((bits & VMM_TRAP) != 0) {
            party_notify(PARTY_GUEST, GUEST_REPLY);
        }
    }
}

/* ---- The guest's driver ---- */

static bool event_idx;
static bool ids;
static uint32_t ring_size;
static uint32_t wanted;
static uint32_t asked;
static uint32_t done;
static uint16_t avail_idx;
static uint16_t seen_used;
static uint32_t free_count;
static uint16_t free_chains[MOST_CHAINS];
static uint64_t block_of[MOST_CHAINS];
static bool under_way[MOST_CHAINS];
static uint64_t interrupts; /* that came while it stood still */

static volatile uint16_t *avail(uint32_t word)
{
    return (volatile uint16_t *)(void *)(ram + AVAIL) + word;
}

static volatile uint16_t *used(uint32_t word)
{
    return (volatile uint16_t *)(void *)(ram + USED) + word;
}

static volatile uint16_t *used_event(void)
{
    return avail(2 + ring_size);
}

static volatile uint16_t *avail_event(void)
{
    return used(2 + 4 * ring_size);
}

static uint8_t *data_of(uint16_t chain)
{
    return ram + DATA + (size_t)chain * 2 * DATA_BYTES;
}

static uint32_t data_bytes(void)
{
    return ids ? VIRTIO_BLK_ID_BYTES : DATA_BYTES;
}

static uint64_t expected(uint16_t chain)
{
    return ids ? 0 : race_content(block_of[chain]);
}

static void write_chain(uint16_t chain)
{
    struct virtq_desc *desc = (struct virtq_desc *)(void *)ram + 2 * chain;
    uint64_t header = HEADERS + 16u * chain;
    const uint32_t words[4] = { ids ? VIRTIO_BLK_T_GET_ID : VIRTIO_BLK_T_IN, 0, 8 * (asked % 1000), 0 };
    memcpy(ram + header, words, sizeof(words));
    desc[0] = (struct virtq_desc) { RAM_GPA + header, 16, 1, (uint16_t)(2 * chain + 1) };
    desc[1] = (struct virtq_desc) { RAM_GPA + (uint64_t)(data_of(chain) - ram), data_bytes() + 1, 2, 0 };
    memset(data_of(chain), 0xee, sizeof(uint64_t));
    data_of(chain)[data_bytes()] = 0xff;
    block_of[chain] = asked % 1000;
    under_way[chain] = true;
}

static void take_used(uint16_t index)
{
    uint32_t word = 2 + 4 * (index & (ring_size - 1));
    uint16_t chain = (uint16_t)(shared_load_u32((volatile uint32_t *)(volatile void *)used(word)) / 2);
    if (chain >= ring_size / 2 || !under_way[chain] ||
        shared_load_u8(&data_of(chain)[data_bytes()]) != VIRTIO_BLK_S_OK) {
        race_fail("a request of the guest failed");
    }
    const uint64_t content = expected(chain);
    if (memcmp(data_of(chain), &content, sizeof(content)) != 0) {
        race_fail("the guest read something else than the disk holds");
    }
    under_way[chain] = false;
    free_chains[free_count++] = chain;
    done++;
}

static void trap(uint64_t offset, uint32_t value)
{
    uint64_t bits = 0;
    trapped.offset = offset;
    trapped.value = value;
    party_notify(PARTY_CLIENT, VMM_TRAP);
    while ((bits & GUEST_REPLY) == 0) {
        bits = party_wait();
        interrupts |= bits & GUEST_IRQ;
    }
}

/* Another vCPU's trap leaves this one running. */
static void kick(void)
{
    if (ids) {
        party_notify(PARTY_CLIENT, VMM_KICK);
    } else {
        trap(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    }
}

static bool wants_kick(uint16_t before)
{
    if (!event_idx) {
        return shared_load_u16(used(0)) == 0;
    }
    uint16_t event = shared_load_u16(avail_event());
    return (uint16_t)(avail_idx - event - 1) < (uint16_t)(avail_idx - before);
}

/* What there is room for, at most `most`. */
static void submit(uint32_t most)
{
    uint16_t before = avail_idx;
    for (; most > 0 && free_count > 0 && asked < wanted; most--) {
        uint16_t chain = free_chains[--free_count];
        write_chain(chain);
        shared_store_u16(avail(2 + (avail_idx & (ring_size - 1))), (uint16_t)(2 * chain));
        avail_idx++;
        asked++;
    }
    if (avail_idx == before) {
        return;
    }
    shared_store_release_u16(avail(1), avail_idx);
    shared_fence();
    if (wants_kick(before)) {
        kick();
    }
}

static void disable_interrupts(void)
{
    if (!event_idx) {
        shared_store_u16(avail(0), 1);
    }
}

/* True when something was used meanwhile. */
static bool enable_interrupts(void)
{
    if (event_idx) {
        shared_store_u16(used_event(), seen_used);
    } else {
        shared_store_u16(avail(0), 0);
    }
    shared_fence();
    return shared_load_acquire_u16(used(1)) != seen_used;
}

static void look_at_used(void)
{
    do {
        disable_interrupts();
        for (uint16_t idx = shared_load_acquire_u16(used(1)); seen_used != idx; seen_used++) {
            take_used(seen_used);
        }
    } while (enable_interrupts());
}

static void interrupt(void)
{
    uint32_t status = shared_load_u32(&page[VIRTIO_MMIO_INTERRUPT_STATUS / sizeof(uint32_t)]);
    if (status == 0) {
        return;
    }
    trap(VIRTIO_MMIO_INTERRUPT_ACK, status);
    if ((status & VIRTIO_MMIO_INT_USED) != 0) {
        look_at_used();
    }
}

void race_guest_body(void)
{
    while (done < wanted) {
        submit(1);
        party_yield();
        submit(UINT32_MAX);
        if (exits) {
            party_notify(PARTY_CLIENT, VMM_EXIT);
        }
        if (interrupts == 0) {
            interrupts = party_wait();
        }
        interrupts = 0;
        interrupt();
    }
}

/* ---- Both ---- */

static void watch(void)
{
    race_watch(avail(0), "avail.flags");
    race_watch(avail(1), "avail.idx");
    race_watch(used_event(), "used_event");
    race_watch(used(0), "used.flags");
    race_watch(used(1), "used.idx");
    race_watch(avail_event(), "avail_event");
    race_watch(&page[VIRTIO_MMIO_INTERRUPT_STATUS / sizeof(uint32_t)], "InterruptStatus");
}

static void set_register(uint64_t offset, uint32_t value)
{
    (void)vmm_virtio_blk_kind.write(&device, offset, sizeof(uint32_t), value);
}

static void start_disk(void)
{
    const uint32_t features = (event_idx ? UINT32_C(1) << VIRTIO_F_EVENT_IDX : 0) | UINT32_C(1) << VIRTIO_BLK_F_FLUSH;
    const uint32_t writes[][2] = {
        { VIRTIO_MMIO_STATUS, 0 }, { VIRTIO_MMIO_STATUS, 3 },
        { VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0 }, { VIRTIO_MMIO_DRIVER_FEATURES, features },
        { VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1 }, { VIRTIO_MMIO_DRIVER_FEATURES, 1 },
        { VIRTIO_MMIO_STATUS, 11 }, { VIRTIO_MMIO_QUEUE_SEL, 0 }, { VIRTIO_MMIO_QUEUE_NUM, ring_size },
        { VIRTIO_MMIO_QUEUE_DESC_LOW, RAM_GPA }, { VIRTIO_MMIO_QUEUE_DRIVER_LOW, RAM_GPA + AVAIL },
        { VIRTIO_MMIO_QUEUE_DEVICE_LOW, RAM_GPA + USED }, { VIRTIO_MMIO_QUEUE_READY, 1 }, { VIRTIO_MMIO_STATUS, 15 },
    };
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        set_register(writes[i][0], writes[i][1]);
    }
}

void race_vmm_set_up(const struct scenario *scenario, uint32_t request_count)
{
    event_idx = scenario->event_idx;
    ids = scenario->ids;
    exits = scenario->exits;
    owes = scenario->owes;
    ring_size = scenario->ring_size;
    wanted = request_count;
    asked = done = 0;
    avail_idx = seen_used = 0;
    interrupts = 0;
    memset(ram + AVAIL, 0, DATA - AVAIL);
    for (free_count = 0; free_count < ring_size / 2; free_count++) {
        free_chains[free_count] = (uint16_t)free_count;
        under_way[free_count] = false;
    }
    config = (struct vmm_virtio_blk_config) { .registers_vaddr = (uintptr_t)page,
                                              .client = race_client_config(scenario) };
    device = (struct vmm_device) { .kind = &vmm_virtio_blk_kind, .name = "disk", .channel = CHANNEL_CLIENT,
                                   .config = &config, .state = &state };
    memset(&state.virtio.ram, 0, sizeof(state.virtio.ram));
    watch();
    if (!vmm_virtio_blk_kind.create(&device, &guest) || !vmm_virtio_blk_kind.ready(&device)) {
        race_fail("the guest's disk is not ready");
    }
    start_disk();
}

bool race_guest_done(void)
{
    return done == wanted;
}

void race_guest_describe(void)
{
    fprintf(stderr, "guest: asked %u of %u, done %u; ring: avail %u, used %u; its VMM: taken %u, status %u\n", asked,
            wanted, done, avail_idx, seen_used, state.disk.queue.next_avail, state.virtio.registers.status);
}
