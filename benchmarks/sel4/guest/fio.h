#pragma once

#include <stdint.h>

/* Has fio move random blocks at `offset_bytes` and after it, `depth` at once. 0 and the requests a second; or an error
 * number, EIO where it said nothing that it should have. */
int fio_load(const char *disk, const char *direction, uint32_t block_bytes, uint32_t depth, uint32_t warm_up_ms,
             uint32_t measured_ms, uint64_t offset_bytes, uint64_t *requests);
