/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/virtio_mmio.h>

#define MMIO_VERSION 2u
#define REGISTER_BYTES 4u
#define REGISTER_COUNT (VIRTIO_MMIO_CONFIG / REGISTER_BYTES)
#define FEATURE_HALVES 2u
#define HALF_BITS 32u

/* What a driver can set in Status: NEEDS_RESET is the device's. */
#define DRIVER_BITS (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FAILED)

static const struct virtio_effects no_effects;

/* One register. NULL where it can't be read, or written. */
struct mmio_register {
    uint32_t (*read)(const struct virtio_mmio *mmio);
    struct virtio_effects (*write)(struct virtio_mmio *mmio, uint32_t value);
};

static bool has_status(const struct virtio_mmio *mmio, uint32_t bits)
{
    return (mmio->status & bits) == bits;
}

static uint32_t low_half(uint64_t value)
{
    return (uint32_t)value;
}

static uint64_t with_low_half(uint64_t value, uint32_t low)
{
    return (value & ~(uint64_t)UINT32_MAX) | low;
}

static uint64_t with_high_half(uint64_t value, uint32_t high)
{
    return low_half(value) | (uint64_t)high << HALF_BITS;
}

/* Registers that only say what the device is. */

static uint32_t read_magic(const struct virtio_mmio *mmio)
{
    (void)mmio;
    return VIRTIO_MMIO_MAGIC;
}

static uint32_t read_version(const struct virtio_mmio *mmio)
{
    (void)mmio;
    return MMIO_VERSION;
}

static uint32_t read_device_id(const struct virtio_mmio *mmio)
{
    return mmio->ops->device_id;
}

static uint32_t read_vendor(const struct virtio_mmio *mmio)
{
    (void)mmio;
    return VIRTIO_MMIO_VENDOR;
}

static uint32_t read_config_generation(const struct virtio_mmio *mmio)
{
    return mmio->ops->config_generation(mmio->device);
}

/* Length and base of a shared memory region that does not exist are -1 (4.2.2). */
static uint32_t read_no_shared_memory(const struct virtio_mmio *mmio)
{
    (void)mmio;
    return UINT32_MAX;
}

/* Features. */

static uint32_t read_device_features(const struct virtio_mmio *mmio)
{
    if (mmio->device_features_sel >= FEATURE_HALVES) {
        return 0;
    }
    return low_half(mmio->ops->features(mmio->device) >> mmio->device_features_sel * HALF_BITS);
}

static struct virtio_effects write_device_features_sel(struct virtio_mmio *mmio, uint32_t value)
{
    mmio->device_features_sel = value;
    return no_effects;
}

static struct virtio_effects write_driver_features_sel(struct virtio_mmio *mmio, uint32_t value)
{
    mmio->driver_features_sel = value;
    return no_effects;
}

static struct virtio_effects write_driver_features(struct virtio_mmio *mmio, uint32_t value)
{
    if (mmio->driver_features_sel == 0) {
        mmio->driver_features = with_low_half(mmio->driver_features, value);
    } else if (mmio->driver_features_sel < FEATURE_HALVES) {
        mmio->driver_features = with_high_half(mmio->driver_features, value);
    } else {
        mmio->impossible_features |= value != 0;
    }
    return no_effects;
}

/* Queues. */

/* The selected queue, or NULL when there is none of that number. */
static struct virtio_mmio_queue *selected(struct virtio_mmio *mmio)
{
    return mmio->queue_sel < mmio->queue_count ? &mmio->queues[mmio->queue_sel] : NULL;
}

/* The geometry that may be written now, or NULL. */
static struct virtq_geometry *settable(struct virtio_mmio *mmio)
{
    struct virtio_mmio_queue *queue = selected(mmio);
    return queue == NULL || queue->ready ? NULL : &queue->geometry;
}

static struct virtio_effects write_queue_sel(struct virtio_mmio *mmio, uint32_t value)
{
    mmio->queue_sel = value;
    return no_effects;
}

static uint32_t read_queue_num_max(const struct virtio_mmio *mmio)
{
    return mmio->queue_sel < mmio->queue_count ? mmio->ops->queue_size_max : 0;
}

static struct virtio_effects write_queue_num(struct virtio_mmio *mmio, uint32_t value)
{
    struct virtq_geometry *geometry = settable(mmio);
    if (geometry != NULL) {
        geometry->size = value;
    }
    return no_effects;
}

/* The six address registers differ in the member and the half only. */
#define ADDRESS_WRITER(function, member, with_half)                                      \
    static struct virtio_effects function(struct virtio_mmio *mmio, uint32_t value)      \
    {                                                                                    \
        struct virtq_geometry *geometry = settable(mmio);                                \
        if (geometry != NULL) {                                                          \
            geometry->member = with_half(geometry->member, value);                       \
        }                                                                                \
        return no_effects;                                                               \
    }

ADDRESS_WRITER(write_desc_low, desc_gpa, with_low_half)
ADDRESS_WRITER(write_desc_high, desc_gpa, with_high_half)
ADDRESS_WRITER(write_driver_low, avail_gpa, with_low_half)
ADDRESS_WRITER(write_driver_high, avail_gpa, with_high_half)
ADDRESS_WRITER(write_device_low, used_gpa, with_low_half)
ADDRESS_WRITER(write_device_high, used_gpa, with_high_half)

static uint32_t read_queue_ready(const struct virtio_mmio *mmio)
{
    return mmio->queue_sel < mmio->queue_count && mmio->queues[mmio->queue_sel].ready;
}

static void start_queue(struct virtio_mmio *mmio, struct virtio_mmio_queue *queue)
{
    if (has_status(mmio, VIRTIO_STATUS_FEATURES_OK) && queue->geometry.size <= mmio->ops->queue_size_max) {
        enum virtq_code code = mmio->ops->start_queue(mmio->device, mmio->queue_sel, &queue->geometry);
        queue->ready = code == VIRTQ_OK;
    }
}

static struct virtio_effects write_queue_ready(struct virtio_mmio *mmio, uint32_t value)
{
    struct virtio_mmio_queue *queue = selected(mmio);
    if (queue == NULL) {
        return no_effects;
    }
    if (value == 1 && !queue->ready) {
        start_queue(mmio, queue);
    } else if (value == 0 && queue->ready) {
        mmio->ops->stop_queue(mmio->device, mmio->queue_sel);
        queue->ready = false;
    }
    return no_effects;
}

static struct virtio_effects write_queue_notify(struct virtio_mmio *mmio, uint32_t value)
{
    bool live = value < mmio->queue_count && mmio->queues[value].ready;
    return live && has_status(mmio, VIRTIO_STATUS_DRIVER_OK) ? virtio_mmio_step(mmio) : no_effects;
}

/* Interrupts. */

static uint32_t read_interrupt_status(const struct virtio_mmio *mmio)
{
    return mmio->interrupt_status;
}

static struct virtio_effects write_interrupt_ack(struct virtio_mmio *mmio, uint32_t value)
{
    mmio->interrupt_status &= ~value;
    return no_effects;
}

bool virtio_mmio_interrupt(const struct virtio_mmio *mmio)
{
    return mmio->interrupt_status != 0;
}

struct virtio_effects virtio_mmio_step(struct virtio_mmio *mmio)
{
    struct virtio_effects effects = mmio->ops->step(mmio->device);
    mmio->status |= mmio->ops->needs_reset(mmio->device) ? VIRTIO_STATUS_NEEDS_RESET : 0;
    mmio->config_changed |= effects.config_interrupt;
    if (has_status(mmio, VIRTIO_STATUS_DRIVER_OK)) {
        mmio->interrupt_status |= effects.used_interrupt ? VIRTIO_MMIO_INT_USED : 0;
        mmio->interrupt_status |= mmio->config_changed ? VIRTIO_MMIO_INT_CONFIG : 0;
        mmio->config_changed = false;
    }
    return effects;
}

/* Status. */

static uint32_t read_status(const struct virtio_mmio *mmio)
{
    if (mmio->status_before_reset != 0 && mmio->ops->draining(mmio->device)) {
        return mmio->status_before_reset;
    }
    return mmio->status;
}

static void reset(struct virtio_mmio *mmio)
{
    *mmio = (struct virtio_mmio){
        .ops = mmio->ops,
        .device = mmio->device,
        .queue_count = mmio->queue_count,
        .status_before_reset = read_status(mmio),
    };
    mmio->ops->reset(mmio->device);
}

static void accept_features(struct virtio_mmio *mmio)
{
    const uint64_t offered = mmio->ops->features(mmio->device);
    const uint64_t version_1 = UINT64_C(1) << VIRTIO_F_VERSION_1;
    const uint64_t accepted = mmio->driver_features;
    if (mmio->impossible_features || (accepted & ~offered) != 0 || (accepted & version_1) == 0) {
        return;
    }
    mmio->ops->set_features(mmio->device, accepted);
    mmio->status |= VIRTIO_STATUS_FEATURES_OK;
}

static struct virtio_effects write_status(struct virtio_mmio *mmio, uint32_t value)
{
    if (value == 0) {
        reset(mmio);
        return no_effects;
    }
    const uint32_t rising = value & ~mmio->status;
    mmio->status_before_reset = 0;
    mmio->status |= value & DRIVER_BITS;
    if ((rising & VIRTIO_STATUS_FEATURES_OK) != 0) {
        accept_features(mmio);
    }
    if ((rising & VIRTIO_STATUS_DRIVER_OK) == 0 || !has_status(mmio, VIRTIO_STATUS_FEATURES_OK)) {
        return no_effects;
    }
    mmio->status |= VIRTIO_STATUS_DRIVER_OK;
    mmio->ops->driver_ok(mmio->device);
    /* Buffers may be there already, and their notifications were ignored. */
    return virtio_mmio_step(mmio);
}

static const struct mmio_register registers[REGISTER_COUNT] = {
    [VIRTIO_MMIO_MAGIC_VALUE / REGISTER_BYTES] = { .read = read_magic },
    [VIRTIO_MMIO_VERSION / REGISTER_BYTES] = { .read = read_version },
    [VIRTIO_MMIO_DEVICE_ID / REGISTER_BYTES] = { .read = read_device_id },
    [VIRTIO_MMIO_VENDOR_ID / REGISTER_BYTES] = { .read = read_vendor },
    [VIRTIO_MMIO_DEVICE_FEATURES / REGISTER_BYTES] = { .read = read_device_features },
    [VIRTIO_MMIO_DEVICE_FEATURES_SEL / REGISTER_BYTES] = { .write = write_device_features_sel },
    [VIRTIO_MMIO_DRIVER_FEATURES / REGISTER_BYTES] = { .write = write_driver_features },
    [VIRTIO_MMIO_DRIVER_FEATURES_SEL / REGISTER_BYTES] = { .write = write_driver_features_sel },
    [VIRTIO_MMIO_QUEUE_SEL / REGISTER_BYTES] = { .write = write_queue_sel },
    [VIRTIO_MMIO_QUEUE_NUM_MAX / REGISTER_BYTES] = { .read = read_queue_num_max },
    [VIRTIO_MMIO_QUEUE_NUM / REGISTER_BYTES] = { .write = write_queue_num },
    [VIRTIO_MMIO_QUEUE_READY / REGISTER_BYTES] = { .read = read_queue_ready, .write = write_queue_ready },
    [VIRTIO_MMIO_QUEUE_NOTIFY / REGISTER_BYTES] = { .write = write_queue_notify },
    [VIRTIO_MMIO_INTERRUPT_STATUS / REGISTER_BYTES] = { .read = read_interrupt_status },
    [VIRTIO_MMIO_INTERRUPT_ACK / REGISTER_BYTES] = { .write = write_interrupt_ack },
    [VIRTIO_MMIO_STATUS / REGISTER_BYTES] = { .read = read_status, .write = write_status },
    [VIRTIO_MMIO_QUEUE_DESC_LOW / REGISTER_BYTES] = { .write = write_desc_low },
    [VIRTIO_MMIO_QUEUE_DESC_HIGH / REGISTER_BYTES] = { .write = write_desc_high },
    [VIRTIO_MMIO_QUEUE_DRIVER_LOW / REGISTER_BYTES] = { .write = write_driver_low },
    [VIRTIO_MMIO_QUEUE_DRIVER_HIGH / REGISTER_BYTES] = { .write = write_driver_high },
    [VIRTIO_MMIO_QUEUE_DEVICE_LOW / REGISTER_BYTES] = { .write = write_device_low },
    [VIRTIO_MMIO_QUEUE_DEVICE_HIGH / REGISTER_BYTES] = { .write = write_device_high },
    [VIRTIO_MMIO_SHM_LEN_LOW / REGISTER_BYTES] = { .read = read_no_shared_memory },
    [VIRTIO_MMIO_SHM_LEN_HIGH / REGISTER_BYTES] = { .read = read_no_shared_memory },
    [VIRTIO_MMIO_SHM_BASE_LOW / REGISTER_BYTES] = { .read = read_no_shared_memory },
    [VIRTIO_MMIO_SHM_BASE_HIGH / REGISTER_BYTES] = { .read = read_no_shared_memory },
    [VIRTIO_MMIO_CONFIG_GENERATION / REGISTER_BYTES] = { .read = read_config_generation },
};

/* The register at an offset, or NULL when it can't be accessed like that. */
static const struct mmio_register *find_register(uint64_t offset, uint32_t width_bytes)
{
    bool sound = offset < VIRTIO_MMIO_CONFIG && offset % REGISTER_BYTES == 0 && width_bytes == REGISTER_BYTES;
    return sound ? &registers[offset / REGISTER_BYTES] : NULL;
}

/* Whether this byte of an access is the device's configuration, and which. */
static bool in_config(uint64_t offset, uint32_t *config_offset)
{
    *config_offset = (uint32_t)(offset - VIRTIO_MMIO_CONFIG);
    return offset >= VIRTIO_MMIO_CONFIG && offset - VIRTIO_MMIO_CONFIG <= UINT32_MAX;
}

static bool is_width(uint32_t width_bytes)
{
    return width_bytes == 1 || width_bytes == 2 || width_bytes == 4 || width_bytes == 8;
}

static uint64_t read_config(const struct virtio_mmio *mmio, uint64_t offset, uint32_t width_bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < width_bytes; i++) {
        uint32_t at;
        if (in_config(offset + i, &at)) {
            value |= (uint64_t)mmio->ops->read_config(mmio->device, at) << 8 * i;
        }
    }
    return value;
}

static void write_config(struct virtio_mmio *mmio, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    for (uint32_t i = 0; i < width_bytes; i++) {
        uint32_t at;
        if (in_config(offset + i, &at)) {
            mmio->ops->write_config(mmio->device, at, (uint8_t)(value >> 8 * i));
        }
    }
}

void virtio_mmio_init(struct virtio_mmio *mmio, const struct virtio_device_ops *ops, void *device)
{
    const uint32_t count = ops->queue_count;
    *mmio = (struct virtio_mmio){
        .ops = ops,
        .device = device,
        .queue_count = count < VIRTIO_MMIO_MAX_QUEUES ? count : VIRTIO_MMIO_MAX_QUEUES,
    };
    ops->reset(device);
}

uint64_t virtio_mmio_read(const struct virtio_mmio *mmio, uint64_t offset, uint32_t width_bytes)
{
    if (offset >= VIRTIO_MMIO_CONFIG) {
        return is_width(width_bytes) ? read_config(mmio, offset, width_bytes) : 0;
    }
    const struct mmio_register *found = find_register(offset, width_bytes);
    return found != NULL && found->read != NULL ? found->read(mmio) : 0;
}

struct virtio_effects virtio_mmio_write(struct virtio_mmio *mmio, uint64_t offset, uint32_t width_bytes,
                                        uint64_t value)
{
    if (offset >= VIRTIO_MMIO_CONFIG) {
        if (is_width(width_bytes)) {
            write_config(mmio, offset, width_bytes, value);
        }
        return no_effects;
    }
    const struct mmio_register *found = find_register(offset, width_bytes);
    return found != NULL && found->write != NULL ? found->write(mmio, (uint32_t)value) : no_effects;
}
