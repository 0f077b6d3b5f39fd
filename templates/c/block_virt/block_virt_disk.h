/* SPDX-License-Identifier: BSD-2-Clause */
/* The disk as the driver describes it, and what of it each client has. */
#pragma once

#include "block_virt_internal.h"

/* Looks at what the driver says of itself; before its answers are looked at. */
void virt_disk_look(struct block_virt *virt);

/* Starts, waits and restarts with what was seen. */
void virt_disk_watch(struct block_virt *virt);

/* Reads the partition tables again where they are not sound for want of a block that could not be read. */
void virt_disk_read_again(struct block_virt *virt);

/* Gives up waiting for the disk with the clients' start. */
void virt_disk_expire(struct block_virt *virt);

/* Tells each client what its disk is; without a sound table, that it has none. */
void virt_disk_settle_clients(struct block_virt *virt);

/* Goes on with the partition tables, if a block of them was read, or could not be. */
void virt_disk_take_block(struct block_virt *virt);
