/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest's rings, and a hostile multiplexer, around virtio-console: guest memory and indices are any numbers at
 * any time.
 *
 * An input is a list of acts, each a byte that says which and its operands.
 */
#include <sdfgen/virtio_console.h>

#include "../c/driver_side.h"
#include "fuzz_input.h"

#define MEMORY_BYTES 0x8000u /* each of the two regions */
#define QUEUE_BYTES 256u
#define RING 8u
#define SECOND_RING (R0 + 0x1000u)
#define TEXT (R0 + 0x2000u)

struct wire {
    struct sddf_serial_queue indices;
    uint8_t data[QUEUE_BYTES];
};

static _Alignas(16) uint8_t memory[2][MEMORY_BYTES];
static struct fuzz_memory rewritten = { memory[0], MEMORY_BYTES };
static struct driver drivers[VIRTIO_CONSOLE_QUEUES];
static struct wire wires[2];
static struct serial_writer out;
static struct serial_reader in;
static struct virtio_console device;
static bool is_rewritten;

static void start(struct fuzz_input *input)
{
    const uint64_t without = fuzz_take(input, 1) << VIRTIO_F_INDIRECT_DESC;
    virtio_console_ops.reset(&device);
    virtio_console_ops.set_features(&device, virtio_console_ops.features(&device) & ~without);
    for (uint32_t queue = 0; queue < VIRTIO_CONSOLE_QUEUES; queue++) {
        driver_ring(&drivers[queue], RING, (uint16_t)fuzz_take(input, 2));
        drivers[queue].geometry.desc_gpa += queue * (SECOND_RING - R0);
        drivers[queue].geometry.avail_gpa += queue * (SECOND_RING - R0);
        drivers[queue].geometry.used_gpa += queue * (SECOND_RING - R0);
        driver_put_u16(&drivers[queue], drivers[queue].geometry.avail_gpa + 2, drivers[queue].geometry.start);
        drivers[queue].geometry.start = driver_get_u16(&drivers[queue], drivers[queue].geometry.avail_gpa + 2);
        (void)virtio_console_ops.start_queue(&device, queue, &drivers[queue].geometry);
    }
    virtio_console_ops.driver_ok(&device);
}

static void offer(struct fuzz_input *input)
{
    struct driver *driver = &drivers[fuzz_take(input, 1) % VIRTIO_CONSOLE_QUEUES];
    const uint16_t head = (uint16_t)(fuzz_take(input, 1) % RING);
    const struct virtq_desc desc = {
        TEXT + fuzz_take(input, 2), (uint32_t)fuzz_take(input, 2), (uint16_t)(fuzz_take(input, 1) % 8),
        (uint16_t)(fuzz_take(input, 1) % (RING + 1)),
    };
    driver_chain(driver, head, &desc, 1);
    driver_submit(driver, head);
}

static void write_memory(struct fuzz_input *input)
{
    const uint64_t gpa = R0 + fuzz_take(input, 2) % (2 * MEMORY_BYTES);
    *driver_at(&drivers[0], gpa) = (uint8_t)fuzz_take(input, 1);
}

static void move_index(struct fuzz_input *input)
{
    struct wire *wire = &wires[fuzz_take(input, 1) % 2];
    uint32_t *words = &wire->indices.tail;
    words[fuzz_take(input, 1) % 3] += (uint32_t)fuzz_take(input, 1);
}

static void lie(struct fuzz_input *input)
{
    struct wire *wire = &wires[fuzz_take(input, 1) % 2];
    uint32_t *words = &wire->indices.tail;
    words[fuzz_take(input, 1) % 3] = (uint32_t)fuzz_take(input, 4);
}

static void (*const acts[])(struct fuzz_input *input) = {
    offer, offer, write_memory, move_index, lie, start,
};

static void set_up(void)
{
    struct console_queue queues[2];
    for (uint32_t i = 0; i < 2; i++) {
        memset(&wires[i], 0, sizeof(wires[i]));
        queues[i] = (struct console_queue) { (uintptr_t)&wires[i].indices, (uintptr_t)wires[i].data, QUEUE_BYTES };
    }
    serial_writer_init(&out, &queues[0]);
    serial_reader_init(&in, &queues[1]);
    driver_init(&drivers[0], memory[0], memory[1], MEMORY_BYTES, RING);
    drivers[1] = drivers[0];
    virtio_console_init(&device, &drivers[0].ram, &out, &in);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    set_up();
    is_rewritten = fuzz_start_rewriting(&rewritten);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    struct fuzz_input input = { bytes, size_bytes };
    set_up();
    start(&input);
    while (input.size_bytes > 0) {
        acts[fuzz_take(&input, 1) % (sizeof(acts) / sizeof(acts[0]))](&input);
        const bool owes = virtio_console_owes(&device);
        const struct virtio_effects effects = virtio_console_ops.step(&device);
        const bool broken = device.queues[VIRTIO_CONSOLE_TRANSMIT].broken;
        REQUIRE(is_rewritten || broken || !owes || effects.used_interrupt);
        REQUIRE(!device.sending || device.left_bytes <= device.chain.readable_bytes);
    }
    return 0;
}
