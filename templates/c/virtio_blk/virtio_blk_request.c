/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/shared.h>
#include <sdfgen/virtio_blk_request.h>

#define RANGE_F_UNMAP 1u

/* struct virtio_blk_req of 5.2.6, up to its data. */
struct header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/* struct virtio_blk_discard_write_zeroes of 5.2.6. */
struct range {
    uint64_t sector;
    uint32_t sector_count;
    uint32_t flags;
};

_Static_assert(sizeof(struct header) == VIRTIO_BLK_HEADER_BYTES, "virtio 1.2, 5.2.6");
_Static_assert(sizeof(struct range) == VIRTIO_BLK_RANGE_BYTES, "virtio 1.2, 5.2.6");

/* Loads a record from the readable stream, each byte once, and moves the cursor behind it. It is all there, in RAM. */
static void load_record(const struct virtq_chain *chain, struct virtq_cursor *cursor, void *record, uint32_t size_bytes)
{
    uint8_t *to = record;
    while (size_bytes > 0 && cursor->segment < chain->readable_count) {
        const struct virtq_segment *segment = &chain->segments[cursor->segment];
        uint32_t rest = segment->size_bytes - cursor->offset_bytes;
        uint32_t run = size_bytes < rest ? size_bytes : rest;
        guest_ram_load(segment->host + cursor->offset_bytes, to, run);
        to += run;
        size_bytes -= run;
        cursor->offset_bytes += run;
        if (run == rest) {
            cursor->segment++;
            cursor->offset_bytes = 0;
        }
    }
}

static enum virtio_blk_verdict answer(struct virtio_blk_request *request, uint8_t status)
{
    request->answer = status;
    return VIRTIO_BLK_ANSWER;
}

/* Compares in sectors, so that nothing can wrap. */
static enum virtio_blk_verdict check_sectors(const struct virtio_blk_limits *limits, struct virtio_blk_request *request)
{
    if (request->sector_count > limits->capacity_sectors ||
        request->sector > limits->capacity_sectors - request->sector_count) {
        return answer(request, VIRTIO_BLK_S_IOERR);
    }
    return VIRTIO_BLK_RUN;
}

static enum virtio_blk_verdict parse_transfer(const struct virtio_blk_limits *limits,
                                              struct virtio_blk_request *request, uint32_t data_bytes)
{
    if (data_bytes % VIRTIO_BLK_SECTOR_BYTES != 0) {
        return answer(request, VIRTIO_BLK_S_IOERR);
    }
    request->data_bytes = data_bytes;
    request->sector_count = data_bytes / VIRTIO_BLK_SECTOR_BYTES;
    return check_sectors(limits, request);
}

static enum virtio_blk_verdict parse_in(const struct virtq_chain *chain, const struct virtio_blk_limits *limits,
                                        struct virtio_blk_request *request)
{
    request->data = (struct virtq_cursor) { .segment = chain->readable_count, .offset_bytes = 0 };
    return parse_transfer(limits, request, request->writable_bytes);
}

static enum virtio_blk_verdict parse_out(const struct virtq_chain *chain, const struct virtio_blk_limits *limits,
                                         struct virtio_blk_request *request)
{
    uint32_t data_bytes = chain->readable_bytes - VIRTIO_BLK_HEADER_BYTES;
    enum virtio_blk_verdict verdict = parse_transfer(limits, request, data_bytes);
    return limits->read_only ? answer(request, VIRTIO_BLK_S_IOERR) : verdict;
}

static enum virtio_blk_verdict parse_flush(const struct virtq_chain *chain, const struct virtio_blk_limits *limits,
                                           struct virtio_blk_request *request)
{
    (void)chain;
    (void)limits;
    request->sector = 0;
    return VIRTIO_BLK_RUN;
}

static enum virtio_blk_verdict parse_get_id(const struct virtq_chain *chain, const struct virtio_blk_limits *limits,
                                            struct virtio_blk_request *request)
{
    (void)limits;
    request->sector = 0;
    request->data = (struct virtq_cursor) { .segment = chain->readable_count, .offset_bytes = 0 };
    request->data_bytes =
        request->writable_bytes < VIRTIO_BLK_ID_BYTES ? request->writable_bytes : VIRTIO_BLK_ID_BYTES;
    return VIRTIO_BLK_RUN;
}

static enum virtio_blk_verdict parse_range(const struct virtq_chain *chain, const struct virtio_blk_limits *limits,
                                           struct virtio_blk_request *request)
{
    struct range range = { 0 };
    uint32_t bytes = chain->readable_bytes - VIRTIO_BLK_HEADER_BYTES;
    if (!limits->ranges || (request->type == VIRTIO_BLK_T_DISCARD && limits->no_discard)) {
        return answer(request, VIRTIO_BLK_S_UNSUPP);
    }
    if (bytes == 0 || bytes % VIRTIO_BLK_RANGE_BYTES != 0) {
        return answer(request, VIRTIO_BLK_S_IOERR);
    }
    if (bytes > VIRTIO_BLK_RANGE_BYTES) {
        return answer(request, VIRTIO_BLK_S_UNSUPP);
    }
    load_record(chain, &request->data, &range, VIRTIO_BLK_RANGE_BYTES);
    uint32_t known = request->type == VIRTIO_BLK_T_WRITE_ZEROES ? RANGE_F_UNMAP : 0;
    if ((range.flags & ~known) != 0) {
        return answer(request, VIRTIO_BLK_S_UNSUPP);
    }
    request->sector = range.sector;
    request->sector_count = range.sector_count;
    request->unmap = limits->unmaps && (range.flags & RANGE_F_UNMAP) != 0;
    return limits->read_only ? answer(request, VIRTIO_BLK_S_IOERR) : check_sectors(limits, request);
}

static const struct {
    uint32_t type;
    enum virtio_blk_verdict (*parse)(const struct virtq_chain *, const struct virtio_blk_limits *,
                                     struct virtio_blk_request *);
} types[] = {
    { VIRTIO_BLK_T_IN, parse_in },
    { VIRTIO_BLK_T_OUT, parse_out },
    { VIRTIO_BLK_T_FLUSH, parse_flush },
    { VIRTIO_BLK_T_GET_ID, parse_get_id },
    { VIRTIO_BLK_T_DISCARD, parse_range },
    { VIRTIO_BLK_T_WRITE_ZEROES, parse_range },
};

enum virtio_blk_verdict virtio_blk_parse(const struct virtq_chain *chain, const struct virtio_blk_limits *limits,
                                         struct virtio_blk_request *request)
{
    struct header header = { 0 };
    *request = (struct virtio_blk_request) { 0 };
    /* Segments are never empty: where there are writable bytes, the last segment holds the last of them. */
    const struct virtq_segment *last = &chain->segments[chain->segment_count - (chain->segment_count != 0)];
    if (chain->writable_bytes == 0 || last->host == NULL) {
        return VIRTIO_BLK_DROP;
    }
    request->status = last->host + last->size_bytes - 1;
    request->writable_bytes = chain->writable_bytes - 1;
    if (chain->readable_bytes < VIRTIO_BLK_HEADER_BYTES || chain->unmapped) {
        return answer(request, VIRTIO_BLK_S_IOERR);
    }
    load_record(chain, &request->data, &header, VIRTIO_BLK_HEADER_BYTES);
    request->type = header.type;
    request->sector = header.sector;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].type == header.type) {
            return types[i].parse(chain, limits, request);
        }
    }
    return answer(request, VIRTIO_BLK_S_UNSUPP);
}

uint32_t virtio_blk_used_bytes(const struct virtio_blk_request *request, uint32_t written_bytes)
{
    return written_bytes == request->writable_bytes ? written_bytes + 1 : written_bytes;
}
