/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block virtualiser: takes requests of each client's queue, checks them, turns offsets in the client's data region
 * into io addresses and blocks of its partition into blocks of the disk, hands them to the driver, and hands the
 * answers back.
 *
 * It has no environment: no system calls, no output, and the time is told it. block_virt_step() does a bounded amount of
 * work and returns which channels want a notification; whoever calls it (a protection domain, a test) notifies them, and
 * calls again at block_virt_wake_ms().
 *
 * Trust. A client may write anything at any time into its queues and data region; so may the driver into its own. No
 * value of theirs is used as an index, a length or an address before it was loaded once and bounded:
 *   - A client whose indices make no sense is cut off: its requests are no longer read, what it still has in flight is
 *     completed and dropped. Other clients notice nothing.
 *   - A request that makes no sense is answered with SDDF_BLK_ERR_INVALID_PARAM.
 *   - A response of the driver with an id that is not in flight is counted and dropped; each id is answered once.
 *   - A driver whose indices make no sense is cut off: every request of every client then fails with
 *     SDDF_BLK_ERR_NO_DEVICE.
 *
 * Requests. READ and WRITE name an offset that is a multiple of 4 KiB, and 1 or more blocks that lie in the data region
 * and in the partition. FLUSH is handed on. DISCARD and WRITE_ZEROES (SDFGEN_BLOCK_) are, where both connections are
 * `extended`. A read-only client's WRITE, DISCARD and WRITE_ZEROES make no sense. A BARRIER is the virtualiser's own
 * work: nothing of that client's queue is taken until all it has in flight was answered, then the barrier is. Requests
 * are answered in any order otherwise.
 *
 * Fairness. Clients are served in turns: deficit round robin by blocks, whatever is done to them. A turn is
 * BLOCK_VIRT_QUANTUM_BLOCKS for each unit of the client's weight; who can't use it up loses the rest; a request that
 * names no blocks costs as much as one of BLOCK_VIRT_QUANTUM_BLOCKS. A request is handed on in pieces, one after the
 * other, each of them at most so many blocks while others are busy; it is answered once, when all have been, with the
 * worst status of any. After a piece that failed no more of its request is handed on.
 *
 * With the driver at once are at most the requests it asked for (storage_info.queue_depth), and of each client
 *   - at most as many blocks of data as its data region has;
 *   - while another client is busy (it has asked for something within the last BLOCK_VIRT_BUSY_BLOCKS handed on):
 *     BLOCK_VIRT_SHARED_REQUESTS pieces, which together cost at most BLOCK_VIRT_SHARED_BLOCKS, for each unit of its
 *     weight: with a driver that has much under way, that is what decides about shares;
 *   - while one of these others is shallow (within that time it never wanted more than BLOCK_VIRT_SHALLOW_PIECES at once,
 *     with what waits in its queue) and has asked since BLOCK_VIRT_HERE_PIECES were handed on:
 *     BLOCK_VIRT_BESIDE_SHALLOW_REQUESTS and _BLOCKS in their place;
 *   - while none is: pieces of up to BLOCK_VIRT_ALONE_PIECE_BLOCKS, which together cost at most
 *     BLOCK_VIRT_ALONE_BLOCKS, or what it may have beside others if that is more; where there is no other, pieces of up
 *     to BLOCK_VIRT_ONLY_PIECE_BLOCKS.
 *
 * So a client that has nothing under way waits for at most this before its request is served, whatever its own weight:
 *
 *     (sum of all others' weights) * (BLOCK_VIRT_SHARED_BLOCKS + BLOCK_VIRT_QUANTUM_BLOCKS)        blocks,
 *
 * less where it is shallow (BLOCK_VIRT_BESIDE_SHALLOW_BLOCKS in place of BLOCK_VIRT_SHARED_BLOCKS), and
 * BLOCK_VIRT_ALONE_BLOCKS in place of what one of them may have beside others, if that is less, when it had long
 * been idle; a flush of another's counts as BLOCK_VIRT_QUANTUM_BLOCKS. A client never has more in flight than its
 * response queue has room for: a client that does not take its responses stalls itself only.
 *
 * Limits. A client may have a limit in bytes a second and one in requests a second. Each piece counts as the bytes of
 * the blocks that it names, whatever is done to them, and a request once, with its first piece. Within any time a client
 * gets at most what its rate allows in that time and BLOCK_VIRT_BURST_MS, and one piece; its pieces are not larger than
 * BLOCK_VIRT_BURST_MS allow, or a block. Who has to wait for its rate goes on after half a burst, which takes time: then
 * somebody has to tell it. Nobody else's limits, turns or bounds change by that.
 *
 * Notifications, as in sDDF: who adds to a queue notifies. One thing beyond: a client that had let its response queue
 * become full, but for the slots that are kept for second responses, notifies when it has taken responses
 * (block_queue_release), or the requests it has waiting are seen with the next notification of anybody. `plugged` is not
 * looked at: a queue is served as soon as there is a notification.
 *
 * Life: wait for the driver's storage_info, read the partition tables into the virtualiser's own data region, publish
 * each client's storage_info, serve. A client whose partition can't be had gets a storage_info with capacity 0, so that
 * its guest starts without a disk and can say so. A driver that is not ready is waited for by notification:
 * block_virt_step() looks and returns.
 *
 * A block of the tables that could not be read is asked for BLOCK_VIRT_TABLE_TRIES times. A table that is not sound for
 * want of such a block is read again when the driver notifies without an answer, and when it comes back; a client that
 * gets its partition then is told so by a new storage_info: `ready` is 0 while that is written.
 *
 * A driver that starts again. One of ours counts its starts (struct sdfgen_block_storage), so that none is missed, and
 * begins with empty queues; of one of sDDF's it is seen that storage_info.ready is 0, and it finds what it had not
 * taken. New requests wait. The tables are read again; then whatever the earlier one had not answered is put once more,
 * in its order, before anything new. What a client meant for a disk that is another one now, or has lost those blocks,
 * fails with SDDF_BLK_ERR_NO_DEVICE. A `resilient` client is told of its disk anew when that is another one or has
 * another size; others whose partition is no longer what their storage_info says are not served any more.
 *
 * Time. With a timeout, no request of a client that takes its responses goes unanswered for longer, whoever is silent: it
 * fails with SDDF_BLK_ERR_IO while it waits (up to one part in BLOCK_VIRT_ARRIVAL_MARKS early, where many came at about
 * the same time), and with SDFGEN_BLOCK_ERR_LATE, or SDDF_BLK_ERR_IO for who does not know that, when a piece of it is
 * with the driver. Then it is late: these pieces' slots, their part of the data region and their blocks are kept until
 * the driver has answered them or another one has started. Meanwhile requests of that client that use the same part of
 * the region are refused with SDDF_BLK_ERR_IO, those that waited too, and requests of anybody to blocks that it may
 * still change wait, until their own time is over. A resilient client hears once more when its request is done with,
 * for which room in its response queue is kept: it has half as many requests under way as that has slots. Others have
 * to leave the data alone by themselves. The time for which the first in a client's line waits for nothing but that
 * client's rate is added to its own, and to that of those behind it.
 *
 * Clients that are resilient are told after the timeout that their disk has no blocks yet, if no driver is there by
 * then: their guests start, and are told when there is one.
 *
 * Freestanding: needs no libc, allocates nothing.
 */
#pragma once

#include <sdfgen/block_config.h>
#include <sdfgen/block_queue.h>
#include <sdfgen/partition.h>

/* Bits in a mask of channels; more than there are. */
#define BLOCK_VIRT_CHANNELS 64u
/* What may be with the driver at once, all clients together. */
#define BLOCK_VIRT_MAX_IN_FLIGHT 256u
/* How often a block of the partition tables is asked for, one time after the other. */
#define BLOCK_VIRT_TABLE_TRIES 4u
/* Times at which requests came are kept apart, of each client: a timeout is exact to one part in as many. */
#define BLOCK_VIRT_ARRIVAL_MARKS 16u
/* No deadline, no time to wake. */
#define BLOCK_VIRT_NEVER UINT64_MAX
/* What a client may have served before the next one's turn, and the largest piece of a request: 128 KiB. */
#define BLOCK_VIRT_QUANTUM_BLOCKS 32u
/* What a client may have with the driver while others are busy, and while none is. */
#define BLOCK_VIRT_SHARED_BLOCKS 64u
#define BLOCK_VIRT_SHARED_REQUESTS 8u
/* The same while one of the others is shallow: it has never wanted to have more pieces with the driver than so many. */
#define BLOCK_VIRT_SHALLOW_PIECES 2u
#define BLOCK_VIRT_BESIDE_SHALLOW_BLOCKS 32u
#define BLOCK_VIRT_BESIDE_SHALLOW_REQUESTS 3u
#define BLOCK_VIRT_ALONE_BLOCKS 512u
/* The largest piece of a request while nobody else is busy: 1 MiB. */
#define BLOCK_VIRT_ALONE_PIECE_BLOCKS 256u
/* And where there is no other client at all: 4 MiB. */
#define BLOCK_VIRT_ONLY_PIECE_BLOCKS 1024u
/* What a client with a limit may be ahead of it: so much time's worth, or one piece. */
#define BLOCK_VIRT_BURST_MS 20u
/* A client is busy while so many are handed on after its last request, and for as many more at most. */
#define BLOCK_VIRT_BUSY_BLOCKS 1024u
/* A shallow client is left room for while so many pieces are handed on, and for as many more at most. */
#define BLOCK_VIRT_HERE_PIECES 8u
/* Requests of which something was handed on: in flight, or some client's first in line. */
#define BLOCK_VIRT_MAX_WHOLES (BLOCK_VIRT_MAX_IN_FLIGHT + BLOCK_MAX_CLIENTS)
#define BLOCK_VIRT_NO_WHOLE UINT16_MAX

enum block_virt_state {
    BLOCK_VIRT_WAIT_DRIVER,
    BLOCK_VIRT_READ_PARTITIONS,
    BLOCK_VIRT_SERVE,
    BLOCK_VIRT_DRIVER_LOST, /* the driver broke the protocol */
    BLOCK_VIRT_NO_IO_BASE,  /* the virtualiser's own data region: see BLOCK_VIRT_CLIENT_NO_IO_BASE */
};

enum block_virt_client_state {
    BLOCK_VIRT_CLIENT_WAITING,      /* its partition is not known yet */
    BLOCK_VIRT_CLIENT_SERVED,
    BLOCK_VIRT_CLIENT_NO_PARTITION, /* see block_virt_client_status */
    BLOCK_VIRT_CLIENT_NO_IO_BASE,   /* never patched in, not page aligned, or the region would wrap */
    BLOCK_VIRT_CLIENT_CUT_OFF,      /* it broke the protocol */
};

/* What came of a block of the partition tables that was asked for, until it is looked at. */
enum block_virt_table_read {
    BLOCK_VIRT_TABLE_READ_NONE,
    BLOCK_VIRT_TABLE_READ_DONE, /* it is in the virtualiser's data region */
    BLOCK_VIRT_TABLE_READ_FAILED,
};

/* Counters, for messages and tests: how often, never who is to blame by more than a client index. */
struct block_virt_client_counters {
    uint64_t requests;
    uint64_t blocks;
    uint64_t refused; /* answered with an error by the virtualiser itself */
    uint64_t errors;  /* all answers other than SDDF_BLK_OK */
    uint64_t cut_offs;
    uint64_t longest_wait_ms; /* from when one was seen to its answer */
    uint32_t most_in_flight;
};

/* The same of the driver. */
struct block_virt_counters {
    uint64_t restarts;
    uint64_t cut_offs;
    uint32_t most_in_flight;
};

/* When what was handed on is paid for, at a rate. */
struct block_virt_due {
    uint64_t ms;
    uint32_t ns; /* beyond, less than a million */
};

/* A client's limits, what it has used of them, and how long it has waited for that. */
struct block_virt_rate {
    uint64_t bandwidth; /* as configured; 0: no limit */
    uint32_t iops;
    uint32_t piece_blocks; /* no piece is larger */
    struct block_virt_due bytes;
    struct block_virt_due requests;
    uint64_t since_ms; /* while its bit in `limited` is set */
    uint64_t until_ms;
};

/* A request of which pieces are with the driver, or will be. */
struct block_virt_whole {
    uint32_t client_id;
    uint32_t status;    /* the highest of its pieces so far */
    uint32_t done;      /* blocks before the first that was not */
    uint16_t handed_on; /* blocks */
    uint16_t pieces;    /* with the driver */
    bool closed;        /* no more will be */
    bool late;          /* its client was answered while pieces were with the driver */
};

/* A request that was taken from a client, checked and translated, and waits for its turn: what is left of it. */
struct block_virt_head {
    struct sddf_blk_request request; /* as the driver will see it, but for the id: the client's */
    uint64_t asked_ms;
    uint64_t deadline_ms;
    uint64_t offset_bytes;           /* in the client's data region */
    uint32_t flags;                  /* of its code */
    uint16_t whole;                  /* or BLOCK_VIRT_NO_WHOLE: nothing was handed on yet */
};

/* Requests that were seen by a time: those before a position in the queue, and not before the mark before it. */
struct block_virt_arrival {
    uint64_t seen_ms; /* the first of them */
    uint64_t last_ms; /* and the last */
    uint32_t end;
};

/* When requests came that were not taken yet. */
struct block_virt_arrivals {
    uint32_t end; /* seen up to here */
    uint32_t first;
    uint32_t count;
    struct block_virt_arrival marks[BLOCK_VIRT_ARRIVAL_MARKS];
};

/* What the virtualiser keeps of one client. */
struct block_virt_session {
    const struct block_virt_client *config;
    struct block_request_reader requests;
    struct block_response_writer responses;
    uint64_t io_base;
    uint64_t region_blocks;
    uint64_t first_block; /* of its partition */
    uint64_t block_count;
    enum block_virt_client_state state;
    enum partition_code partition_code;
    bool read_only;
    bool extended;
    bool published; /* its storage_info */
    bool settled;   /* its partition was known once */
    bool resilient;
    uint32_t weight; /* 1..BLOCK_MAX_WEIGHT */
    uint64_t descriptions; /* of its disk, so far */
    bool other_disk;       /* since its queue was looked at */
    uint32_t stale;        /* requests in its queue that were meant for an earlier disk */
    bool has_head;
    bool has_barrier;
    uint32_t barrier_id;
    uint64_t barrier_asked_ms;
    uint32_t filled;      /* requests seen and not yet taken */
    uint32_t room;        /* slots seen free in the response queue */
    uint32_t owed;        /* responses still to come to what was taken: never more than room */
    uint32_t in_flight;   /* pieces of it that are with the driver, late ones too */
    uint32_t late;        /* of these, whose request was answered with an error before the driver let go of them */
    uint64_t data_blocks; /* moved by what is in flight: never more than region_blocks */
    uint32_t cost_blocks; /* of what is in flight */
    uint32_t credit_blocks;
    struct block_virt_head head;
    struct block_virt_arrivals arrivals;
    struct block_virt_rate rate;
    struct block_virt_client_counters counters;
};

/*
 * A piece that is with the driver; its index and generation are the id. Those that are live are a list in the order in
 * which they were put into a driver's queue at first.
 */
struct block_virt_slot {
    struct sddf_blk_request request;
    uint64_t offset_bytes;
    uint64_t asked_ms;
    uint64_t deadline_ms;
    uint32_t generation; /* changes with each answer and each start of a driver, so that no id is answered twice */
    uint32_t position;   /* in the driver's request queue */
    uint32_t data_blocks;
    uint16_t first; /* block of its request */
    uint16_t whole; /* its request */
    uint16_t older; /* its neighbours in the list */
    uint16_t newer;
    uint8_t client; /* or BLOCK_VIRT_OWN */
    uint8_t flags;  /* of its code */
    bool live;
    bool late;  /* its client was answered, but the driver may still move its data */
    bool again; /* the driver that had it is gone: it waits to be put once more */
};

/* A bit for each client of whom something was so while so much was handed on, or as much before. */
struct block_virt_recent {
    uint64_t now;
    uint64_t before;
    uint32_t amount;
};

/* All state, 96 KiB: give it static memory. Its members are the virtualiser's own; read it through the calls below. */
struct block_virt {
    const struct block_virt_config *config;
    enum block_virt_state state;
    uint32_t client_count;

    struct block_request_writer driver_requests;
    struct block_response_reader driver_responses;
    uint64_t driver_io_base;
    uint32_t driver_room; /* slots seen free in the driver's request queue */
    uint32_t depth;       /* requests that may be with the driver */
    uint32_t in_flight;    /* slots that are live */
    uint32_t late;         /* of these */
    uint32_t again;        /* of these */
    uint64_t driver_start; /* struct sdfgen_block_storage's, as it was acted upon last */
    uint64_t seen_start;   /* and as this step has seen it */
    bool seen_ready;       /* the driver's storage_info, likewise */
    bool forwarded; /* requests were put and not yet published */
    bool taken_responses;
    uint64_t stray_responses;
    struct block_virt_counters counters;
    bool was_ready; /* the driver, at some time */

    uint64_t now_ms;
    uint64_t wake_ms;  /* no deadline is earlier */
    uint64_t start_deadline_ms; /* when clients are told that there is no disk yet */
    bool begun;

    uint64_t client_channels; /* a bit for each */
    uint8_t client_of_channel[BLOCK_VIRT_CHANNELS];

    /* Clients, a bit for each index. */
    uint64_t to_look; /* notified, or completed something: look at its queues */
    uint64_t ready;   /* has a head that may be handed on when its turn comes */
    uint64_t stalled; /* waits for room in its response queue */
    uint64_t held;    /* has a head that may not overtake a late request */
    uint64_t limited; /* has a head that waits for nothing but its client's rate */
    uint64_t taken;   /* requests were taken and not yet released */
    uint64_t answered;
    uint64_t counted; /* its counters have changed since block_virt_take_counted() */
    uint32_t turn; /* whose turn it is */
    bool in_turn;  /* and its quantum was granted */

    struct block_virt_recent busy; /* who has asked for something */
    struct block_virt_recent deep; /* and wanted more than BLOCK_VIRT_SHALLOW_PIECES at once */
    struct block_virt_recent here; /* the same in a shorter time */

    uint32_t free_whole_count;
    uint16_t free_wholes[BLOCK_VIRT_MAX_WHOLES];
    struct block_virt_whole wholes[BLOCK_VIRT_MAX_WHOLES];

    uint16_t oldest; /* live slot */
    uint16_t newest;
    uint32_t free_count;
    uint8_t free_slots[BLOCK_VIRT_MAX_IN_FLIGHT];
    struct block_virt_slot slots[BLOCK_VIRT_MAX_IN_FLIGHT];
    struct block_virt_session sessions[BLOCK_MAX_CLIENTS];

    bool table_read_in_flight;
    bool table_outdated; /* the block that is being read belongs to an earlier reading of the tables */
    bool table_unread;   /* some block of it was given up */
    uint32_t table_tries; /* of the block that is wanted now */
    enum block_virt_table_read table_read;
    bool other_disk; /* than before the driver started again */
    struct sddf_blk_storage_info disk; /* as the driver describes it */
    struct partition_table table;
    uint64_t table_block[PARTITION_BLOCK_BYTES / sizeof(uint64_t)]; /* private copy of what is parsed */
};

/*
 * Begins; the memory of `virt` may hold anything. `config` and what it points to stay as long as `virt` is used, and
 * the io bases in it are final. Takes the queues over as it finds them, and withdraws the clients' storage_info. Call
 * block_virt_step() once afterwards: a driver that was ready before does not notify again.
 */
void block_virt_init(struct block_virt *virt, const struct block_virt_config *config);

/*
 * Does all that can be done now, after any notification: bit c of the result asks to notify channel c. Needs no further
 * call before the next notification.
 *
 * Bounded: how many entries each queue holds is looked at once per call, and never believed beyond the queue's
 * capacity. The driver's responses are taken up to that, then each client's requests up to that; at most
 * BLOCK_VIRT_MAX_IN_FLIGHT are handed on; turns pass without a request only while somebody saves up, for at most
 * BLOCK_VIRT_ONLY_PIECE_BLOCKS. Who adds to a queue meanwhile has to notify, and is served by the next call. Who makes
 * room in a full response queue meanwhile may be served by this one, with what its request queue held at the look.
 */
uint64_t block_virt_step(struct block_virt *virt, uint64_t now_ms);

/* The same, but looks only at the clients whose channels' bits are set, and those it knows to be waiting. */
uint64_t block_virt_step_notified(struct block_virt *virt, uint64_t channels, uint64_t now_ms);

/* When to call again at the latest, if nobody notifies before: then a time is over. BLOCK_VIRT_NEVER: need not. */
uint64_t block_virt_wake_ms(const struct block_virt *virt);

/* For messages. Clients are counted as in the config; of one that does not exist: CUT_OFF, MISSING, NULL. */
enum block_virt_state block_virt_state(const struct block_virt *virt);
enum block_virt_client_state block_virt_client_state(const struct block_virt *virt, uint32_t client);
/* Why it has no partition; PARTITION_OK before that is known. */
enum partition_code block_virt_client_status(const struct block_virt *virt, uint32_t client);
const struct block_virt_client_counters *block_virt_client_counters(const struct block_virt *virt, uint32_t client);
/* A bit for each client whose counters have changed since the last call. */
uint64_t block_virt_take_counted(struct block_virt *virt);
const struct block_virt_counters *block_virt_counters(const struct block_virt *virt);
/* Responses of the driver that answered nothing. */
uint64_t block_virt_stray_responses(const struct block_virt *virt);
/* The partition table as it was read: its code, whether the mirror had to be used and why. */
const struct partition_table *block_virt_partition_table(const struct block_virt *virt);

/* The states, as phrases without a full stop; never NULL. */
const char *block_virt_state_text(enum block_virt_state state);
const char *block_virt_client_state_text(enum block_virt_client_state state);
