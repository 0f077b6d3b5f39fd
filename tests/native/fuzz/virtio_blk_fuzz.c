/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block device between a guest and a virtualiser that both do what the input says. The first byte: what the driver
 * accepts, and which kind of disk it is; then actions, each a byte and its operands.
 *
 * What the device asks of the virtualiser must be sound whatever happens. Where the virtualiser was honest, nothing may
 * be left under way in the end: each request returned, each cell free. Where it lied, errors may follow.
 */
#include <string.h>

#include <sdfgen/virtio_blk.h>

#include "fuzz_disk.h"

#define REGION_BYTES 0x4000u
#define RAM 0x40000000u
#define AVAIL (RAM + 0x400)
#define USED (RAM + 0x600)
#define HEADERS (RAM + 0x1000)
#define RING 16u
#define SETTLE_LIMIT 2000u

static _Alignas(4096) uint8_t memory[2][REGION_BYTES];
static struct guest_ram ram;
static struct virtio_blk device;
static uint64_t accepted;
static uint16_t avail_idx;
static bool rewriting;

static void poke(uint64_t gpa, uint64_t value, uint32_t width_bytes)
{
    for (uint32_t i = 0; i < width_bytes; i++) {
        uint64_t offset = (gpa - RAM + i) % sizeof(memory);
        shared_store_u8(&memory[offset / REGION_BYTES][offset % REGION_BYTES], (uint8_t)(value >> 8 * i));
    }
}

/* ---- The virtualiser ---- */

static void take(struct fuzz_input *input)
{
    (void)input;
    take_requests();
}

static void answer(struct fuzz_input *input)
{
    take_requests();
    answer_held((uint32_t)fuzz_take(input, 1), SDDF_BLK_OK);
}

static void fail(struct fuzz_input *input)
{
    uint32_t index = (uint32_t)fuzz_take(input, 1);
    take_requests();
    answer_held(index, 1 + (uint32_t)fuzz_take(input, 1));
}

static void late(struct fuzz_input *input)
{
    take_requests();
    be_late((uint32_t)fuzz_take(input, 1));
}

/* The disk is described anew; what it may be asked for stays. */
static void change(struct fuzz_input *input)
{
    storage.info.block_size = (uint16_t)fuzz_take(input, 1);
    storage.start++;
}

/* An answer that nobody asked for, or asked for once more. */
static void lie(struct fuzz_input *input)
{
    const struct sddf_blk_response response = {
        .status = (uint32_t)fuzz_take(input, 1) % 8,
        .success_count = (uint16_t)fuzz_take(input, 2),
        .id = (uint32_t)fuzz_take(input, 1) << fuzz_take(input, 1) % 25,
    };
    if (block_queue_room(&responses.end) > 0) {
        lied = true;
        block_response_put(&responses, &response);
        block_queue_publish(&responses.end);
    }
}

static void lie_of_indices(struct fuzz_input *input)
{
    lied = true;
    uint32_t value = (uint32_t)fuzz_take(input, 4);
    shared_store_u32(value % 2 != 0 ? requests.end.own_word : responses.end.own_word, value);
}

/* ---- The guest ---- */

/* Whether the device did anything, or wants to. */
static bool step_once(void)
{
    bool changed = storage.start != device.description;
    (void)virtio_blk_waits(&device);
    struct virtio_effects effects = virtio_blk_step(&device);
    REQUIRE(!effects.used_interrupt || device.queue.live);
    REQUIRE(!effects.config_interrupt || changed || virtio_blk_needs_reset(&device));
    return effects.used_interrupt || effects.notify || effects.again;
}

static void step(struct fuzz_input *input)
{
    (void)input;
    (void)step_once();
}

static void write_memory(struct fuzz_input *input)
{
    uint64_t gpa = RAM + fuzz_take(input, 2);
    for (uint64_t left = fuzz_take(input, 1); left > 0 && input->size_bytes > 0; left--) {
        poke(gpa++, fuzz_take(input, 1), 1);
    }
}

static void write_descriptor(struct fuzz_input *input)
{
    uint64_t gpa = RAM + 16 * (fuzz_take(input, 1) % (4 * RING));
    uint64_t address = fuzz_take(input, 2);
    poke(gpa, address < 0xff00 ? RAM + address % (sizeof(memory) + 64) : UINT64_MAX - (address & 0xff), 8);
    poke(gpa + 8, fuzz_take(input, 2) << fuzz_take(input, 1) % 17, 4);
    poke(gpa + 12, fuzz_take(input, 1) % 8, 2);
    poke(gpa + 14, fuzz_take(input, 1) % (RING + 1), 2);
}

static void offer_head(uint64_t head)
{
    poke(AVAIL + 4 + 2 * (avail_idx % RING), head, 2);
    poke(AVAIL + 2, ++avail_idx, 2);
}

static void offer(struct fuzz_input *input)
{
    offer_head(fuzz_take(input, 1) % (RING + 1));
}

static void put_descriptor(uint64_t index, uint64_t gpa, uint64_t size_bytes, uint32_t flags)
{
    poke(RAM + 16 * (index % RING), gpa, 8);
    poke(RAM + 16 * (index % RING) + 8, size_bytes, 4);
    poke(RAM + 16 * (index % RING) + 12, flags, 2);
    poke(RAM + 16 * (index % RING) + 14, (index + 1) % RING, 2);
}

/* A request that is sound in all but perhaps its sectors. */
static void offer_request(struct fuzz_input *input)
{
    uint64_t head = fuzz_take(input, 1) % RING;
    uint64_t type = fuzz_take(input, 1) % 15;
    uint64_t data_bytes = 512 * (fuzz_take(input, 1) % 24);
    uint64_t sector = fuzz_take(input, 1) % (8 * BLOCKS + 2);
    uint64_t header = HEADERS + 32 * head;
    bool range = type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_WRITE_ZEROES;
    poke(header, type, 8);
    poke(header + 8, range ? 0 : sector, 8);
    poke(header + 16, sector, 8);
    poke(header + 24, data_bytes / 512, 8);
    put_descriptor(head, header, range ? 32 : 16, 1);
    if (range) {
        put_descriptor(head + 1, header - 1, 1, 2);
    } else {
        put_descriptor(head + 1, RAM + 0x2000 + 0x10 * head, data_bytes, type == VIRTIO_BLK_T_OUT ? 1 : 3);
        put_descriptor(head + 2, HEADERS + 0x400 + head, 1, 2);
    }
    offer_head(head);
}

static void set_avail_index(struct fuzz_input *input)
{
    avail_idx = (uint16_t)fuzz_take(input, 2);
    poke(AVAIL + 2, avail_idx, 2);
}

static void start_queue(uint16_t start)
{
    const struct virtq_geometry geometry = { RING, RAM, AVAIL, USED, start };
    avail_idx = start;
    poke(AVAIL + 2, start, 2);
    virtio_blk_set_features(&device, accepted);
    REQUIRE(virtio_blk_start_queue(&device, &geometry) == VIRTQ_OK);
    virtio_blk_driver_ok(&device);
}

static void reset(struct fuzz_input *input)
{
    virtio_blk_reset(&device);
    if (fuzz_take(input, 1) % 2 == 0) {
        start_queue((uint16_t)fuzz_take(input, 2));
    }
}

static void start_anywhere(struct fuzz_input *input)
{
    struct virtq_geometry geometry = { .size = 1u << fuzz_take(input, 1) % 10 };
    geometry.desc_gpa = RAM + fuzz_take(input, 2);
    geometry.avail_gpa = RAM + fuzz_take(input, 2);
    geometry.used_gpa = RAM + fuzz_take(input, 2);
    (void)virtio_blk_start_queue(&device, &geometry);
}

static void configure(struct fuzz_input *input)
{
    uint32_t offset = (uint32_t)fuzz_take(input, 2);
    virtio_blk_write_config(&device, offset, (uint8_t)fuzz_take(input, 1));
    (void)virtio_blk_read_config(&device, offset);
}

static void hold(struct fuzz_input *input)
{
    device.held = fuzz_take(input, 1) % 2 != 0;
}

/* What is likelier to lead somewhere stands more than once. */
static void (*const actions[])(struct fuzz_input *) = {
    offer_request, offer_request, offer_request, step, step, answer, answer, answer, take, fail, write_memory,
    write_descriptor, write_descriptor, offer, set_avail_index, reset, start_anywhere, configure, lie, lie_of_indices,
    late, change, hold,
};

/* ---- A run ---- */

static void check_settled(void)
{
    bool queues_broken = device.requests.end.broken || device.responses.end.broken;
    REQUIRE(!virtio_blk_draining(&device) && device.writer_count == 0 && device.partial_count == 0);
    REQUIRE(queues_broken || held_count == 0);
    REQUIRE(device.awaited_count == 0 && device.late_count == 0);
    REQUIRE(!device.queue.live || device.queue.in_flight_count == 0);
    for (uint32_t i = 0; i < sizeof(device.cells.used) / sizeof(device.cells.used[0]); i++) {
        REQUIRE(device.cells.used[i] == 0);
    }
}

/* Goes on with the guest's last ring until nothing is under way: then each request has been returned. */
static void finish(void)
{
    bool busy = true;
    device.held = false;
    for (uint32_t steps = 0; busy || held_count > 0; steps++) {
        if (steps > SETTLE_LIMIT) {
            REQUIRE(lied || rewriting);
            return;
        }
        take_requests();
        answer_held(0, SDDF_BLK_OK);
        busy = step_once();
    }
    REQUIRE(lied || !device.queue.live || device.queue.in_flight_count == 0);
}

/* Takes the ring away, and answers all that is under way. */
static void settle(void)
{
    virtio_blk_stop_queue(&device);
    for (uint32_t steps = 0; virtio_blk_draining(&device) || held_count != 0; steps++) {
        REQUIRE(steps < SETTLE_LIMIT);
        take_requests();
        answer_held(0, SDDF_BLK_OK);
        (void)step_once();
    }
}

static void power_on(uint32_t options)
{
    const struct block_client_config config = disk_power_on((options & 1) != 0, (options & 6) == 6);
    virtio_blk_init(&device, &config, &ram);
    device.watched = (options >> 6 & 1) != 0;
    REQUIRE(virtio_blk_ready(&device));
    accepted = virtio_blk_features(&device) & ~((uint64_t)(options >> 3 & 3) << VIRTIO_F_INDIRECT_DESC);
    accepted &= ~((uint64_t)(options >> 5 & 1) << VIRTIO_BLK_F_FLUSH | (uint64_t)(options >> 5 & 1)
                                                                           << VIRTIO_BLK_F_CONFIG_WCE);
}

static struct fuzz_memory rewritten = { memory[0], sizeof(memory) };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    rewriting = fuzz_start_rewriting(&rewritten);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    struct fuzz_input input = { bytes, size_bytes };
    memset(memory, 0, sizeof(memory));
    ram.region_count = 0;
    REQUIRE(guest_ram_add(&ram, RAM + REGION_BYTES, REGION_BYTES, memory[1]));
    REQUIRE(guest_ram_add(&ram, RAM, REGION_BYTES, memory[0]));
    power_on((uint32_t)fuzz_take(&input, 1));
    start_queue(0);
    while (input.size_bytes > 0) {
        actions[fuzz_take(&input, 1) % (sizeof(actions) / sizeof(actions[0]))](&input);
    }
    finish();
    if (!lied) {
        settle();
        check_settled();
    }
    return 0;
}
